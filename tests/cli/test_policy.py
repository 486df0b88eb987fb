"""`tlsight policy` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run
from tests.knowledge.test_policy_lint import GOOD, SUPERFISH, TWO


def test_problems_are_told_with_file_and_line(tlsight: Run, tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(GOOD.replace(TWO, SUPERFISH))
    done = tlsight("policy", "lint", path)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{path}:7: error: Gateway: its key is that of Superfish")
    assert f"{path}: 1 problem" in done.stdout
    assert "1 problems" not in done.stdout
    record = json.loads(tlsight("policy", "lint", path, "--json").stdout)
    assert (record["schema"], record["id"]) == ("tlsight.lint/1", "published-key")


def test_a_good_policy_and_a_broken_one(tlsight: Run, tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(GOOD)
    done = tlsight("policy", "lint", path)
    assert (done.returncode, done.stdout) == (0, f"{path}: no problems\n")
    path.write_text(GOOD.replace('owner = "network team"', ""))
    said = f"{path}: no problems, 1 note (--verbose)\n"
    assert tlsight("policy", "lint", path).stdout == said
    path.write_text(GOOD.replace("never", "nevr"))
    done = tlsight("policy", "lint", path)
    assert done.returncode == 2
    assert "nevr" in done.stderr


def test_the_schema_is_json(tlsight: Run) -> None:
    schema = json.loads(tlsight("policy", "schema").stdout)
    assert schema["$schema"].endswith("2020-12/schema")
