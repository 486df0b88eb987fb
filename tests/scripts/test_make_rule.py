"""A begun rule is clean, listed, and has a test that asks for it; in a copy of the tree."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from itertools import product
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KEPT = ("detector", "tests", "docs/reference", "scripts", "pyproject.toml", "addons")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree as it is, with a rule of each kind begun in it."""
    root = tmp_path_factory.mktemp("tree")
    for name in KEPT:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "data" if name == "tests" else "-")
            shutil.copytree(ROOT / name, root / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, root / name)
    for kind, name in product(("evidence", "cause"), ("made-for-a-test", "x")):
        done = made(root, kind, name)
        assert done.returncode == 0, done.stderr
        for line in done.stdout.splitlines():
            if line.startswith("written: "):
                assert (root / line.removeprefix("written: ")).is_file()
    return root


def made(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    script = root / "scripts" / "make_rule.py"
    return subprocess.run(
        [sys.executable, script, *words], capture_output=True, text=True, timeout=60
    )


def python(root: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, words)], capture_output=True, text=True, timeout=100, cwd=root
    )


def begun(root: Path) -> list[Path]:
    """The files of both names: how long one is decides where lines break."""
    names = ("made_for_a_test.py", "x.py", "test_made_for_a_test.py", "test_x.py")
    return sorted(path for path in root.rglob("*.py") if path.name in names)


def test_ruff_has_nothing_to_say(tree: Path) -> None:
    assert len(begun(tree)) == 8
    ruff = Path(sys.executable).parent / "ruff"
    for words in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run(
            [ruff, *words, tree / "detector" / "evidence", *begun(tree)],
            capture_output=True, text=True, timeout=60, cwd=tree,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


def test_its_tests_fail_and_ask_for_the_rule(tree: Path) -> None:
    tests = [path for path in begun(tree) if path.name.startswith("test_")]
    done = python(tree, "-m", "pytest", *tests)
    assert done.returncode == 1, done.stdout
    assert "4 failed, 4 passed" in done.stdout


def test_the_evidence_is_asked_and_has_its_row(tree: Path) -> None:
    room = tree / "detector" / "evidence"
    module = "gather" if (room / "gather.py").exists() else "rules"
    code = f"from detector.evidence.{module} import RULES; print(RULES[-2].__module__)"
    assert python(tree, "-c", code).stdout.strip().endswith(".made_for_a_test")
    rows = (tree / "docs" / "reference" / "evidence.md").read_text().splitlines()
    row = rows.index("| made-for-a-test | say it in a line | intercepted | weak |")
    assert rows[row - 1].startswith("| ")
    assert rows[row + 1].startswith("| x |")
    assert rows[row + 2] == ""


def test_the_cause_has_a_row_with_the_keys_of_the_others(tree: Path) -> None:
    rows = tomllib.loads((tree / "detector" / "data" / "causes.toml").read_text())["cause"]
    assert [row["id"] for row in rows[-2:]] == ["made-for-a-test", "x"]
    needed = {key for key in rows[0] if all(key in row for row in rows[:-2])}
    assert needed >= {"id", "party", "step", "text", "fix", "confirm", "references"}
    for row in rows[-2:]:
        assert {key: type(value) for key, value in row.items()} == {
            key: type(rows[0][key]) for key in needed
        }


@pytest.mark.parametrize(
    "words",
    [
        ("evidence", "self-signed"),
        ("cause", "self-signed"),
        ("cause", "Bad Name"),
        ("cause", "class"),
        ("x", "y"),
    ],
)
def test_nothing_is_written_over_and_mistakes_are_told(tree: Path, words: tuple[str, str]) -> None:
    before = {path: path.read_bytes() for path in (tree / "detector").rglob("*.py")}
    done = made(tree, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("make_rule: ")
    assert {path: path.read_bytes() for path in (tree / "detector").rglob("*.py")} == before
