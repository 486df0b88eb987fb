"""What counts as covered by a file's own tests, and that the floor holds; in a small tree of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "own_coverage.py"
TREE = {
    "detector/__init__.py": "",
    "detector/room/__init__.py": "",
    "detector/room/half.py": """
from functools import cache


@cache
def kept(n):
    return n + 1


def never(n):
    n += 1
    return n


class Box:
    size = 3

    def grow(self):
        return self.size + 1
""",
    "detector/room/other.py": "from detector.room.half import kept\n\n\ndef twice(n):\n    return kept(kept(n))\n",
    "detector/room/child.py": "def main():\n    print('here')\n\n\nif __name__ == '__main__':\n    main()\n",
    "detector/room/alone.py": "def lonely():\n    return 1\n",
    "detector/room/values.py": "ONE = 1\n",
    "addons/__init__.py": "",
    "tests/__init__.py": "",
    "tests/room/__init__.py": "",
    "tests/room/test_a_first.py": """
from detector.room.alone import lonely
from detector.room.half import kept, never


def test_of_nobody():
    assert (kept(1), never(1), lonely()) == (2, 2, 1)
""",
    "tests/room/test_half.py": """
from detector.room.half import Box, kept


def test_half():
    assert (kept(1), Box().grow()) == (2, 4)
""",
    "tests/room/test_child.py": """
import subprocess, sys


def test_child():
    assert subprocess.run([sys.executable, "-m", "detector.room.child"]).returncode == 0
""",
    "tests/room/test_other.py": """
from detector.room.other import twice


def test_other():
    assert twice(1) == 3
""",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "scripts").mkdir()
    return tmp_path


def run(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if "COVERAGE" not in key}
    clean["PYTEST_ADDOPTS"] = "-p no:tlsight"  # our own plugin loads the other detector first
    return subprocess.run(
        [sys.executable, SCRIPT, "--root", tree, *words],
        capture_output=True, text=True, timeout=100, env=clean,
    )  # fmt: skip


def rows(text: str) -> dict[str, str]:
    lines = [line.split() for line in text.splitlines() if "%  " in line]
    return {words[-1]: words[0] for words in lines}


def test_only_lines_in_functions_that_own_tests_run_count_whoever_ran_them_before(
    tree: Path,
) -> None:
    done = run(tree)
    assert done.returncode == 0, done.stderr
    # kept was cached by another file's test and counts all the same; never was run by that one alone.
    assert rows(done.stdout) == {
        "detector/room/half.py": "50%", "detector/room/other.py": "100%",
        "detector/room/child.py": "100%", "detector/room/alone.py": "0%",
    }  # fmt: skip
    assert "1 files without a test file of their own" in done.stdout


def test_the_floor_is_raised_never_lowered_and_holds(tree: Path) -> None:
    floor = tree / "scripts" / "coverage_floor.toml"
    assert run(tree, "--write-floor").returncode == 0
    written = tomllib.loads(floor.read_text())
    assert written == {
        "without_own_tests": 1,
        "floor": {
            "detector/room/child.py": 95,
            "detector/room/half.py": 45,
            "detector/room/other.py": 95,
        },
    }
    own = tree / "tests" / "room" / "test_half.py"
    own.write_text(own.read_text().replace("Box().grow()", "4"))
    (tree / "detector" / "room" / "fresh.py").write_text("def fresh():\n    return 1\n")
    for words in ((), ("--write-floor",)):
        done = run(tree, *words)
        assert done.returncode == 1
        assert "detector/room/half.py: its own tests run 25%, the floor is 45%" in done.stderr
        assert "not run: 11-12 19" in done.stderr
        assert "2 files have no test file of their own, 1 may" in done.stderr
    assert tomllib.loads(floor.read_text()) == written


def test_a_run_of_some_tests_holds_nothing_and_writes_no_floor(tree: Path) -> None:
    done = run(tree, "tests/room/test_half.py")
    assert (done.returncode, rows(done.stdout)) == (0, {"detector/room/half.py": "50%"})
    assert run(tree, "tests/room/test_half.py", "--write-floor").returncode == 2
    assert not (tree / "scripts" / "coverage_floor.toml").exists()
