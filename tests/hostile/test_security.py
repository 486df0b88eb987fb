"""SECURITY.md promises what tests hold, and names them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.hostile import bounds
from tests.hostile.cells import TIMEOUT

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text()


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) > 20
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, name


def test_every_bound_names_what_holds_it() -> None:
    rows = re.findall(r"^\| (?!what|---)(.+) \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert len(rows) > 20
    assert all(held == "the matrix" or "::test_" in held for _, _, held in rows)


def test_the_numbers_are_those_of_the_matrix() -> None:
    stated = dict(re.findall(r"^\| (.+?) \| (.+?) \|", PAGE, re.MULTILINE))
    assert stated["processor, one target or one file of the matrix"] == f"{bounds.CPU:g} s"
    of_many = stated["processor, `diagnose` or `grade` of a peer that floods every trial"]
    assert of_many == f"{bounds.CPU_OF_MANY:g} s"
    assert stated["resident memory, likewise"] == f"{bounds.MIB} MiB"
    times = (bounds.DIALLED - bounds.SPARE) / TIMEOUT
    (dialled,) = [bound for what, bound in stated.items() if what.startswith("`check`, `diagnose`")]
    assert dialled == f"{times:g} times `--timeout`, and {bounds.SPARE:g} s"
