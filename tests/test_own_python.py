"""Children that are Python: none runs what lies in the folder that somebody stands in."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from detector import own_python
from detector.agent.sensing import trust_audit

ROOT = Path(__file__).parents[1]


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a program of the same name, to stand in; what it leaves where it is run."""
    sprung = tmp_path / "sprung"
    package = tmp_path / "detector"
    package.mkdir()
    for name in ("__init__.py", "__main__.py"):
        (package / name).write_text(f"open({str(sprung)!r}, 'w').close()\n")
    (tmp_path / "msgspec.py").write_text(f"open({str(sprung)!r}, 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    return sprung


def test_the_trust_audit_runs_nothing_of_the_folder_it_is_started_in(trap: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(trap.parent)}
    found = asyncio.run(trust_audit(None, environment))
    assert found is not None
    assert not trap.exists()


def test_nor_does_this_program_started_again(trap: Path) -> None:
    environment = own_python.surroundings(os.environ, ["", ".", str(ROOT)])
    done = subprocess.run(
        own_python.tlsight("--version"), env=environment, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert "tlsight" in done.stdout, done.stderr
    assert not trap.exists()


def test_one_place_makes_such_a_command() -> None:
    named = [
        path.relative_to(ROOT).as_posix()
        for room in ("detector", "addons")
        for path in (ROOT / room).rglob("*.py")
        if "[sys.executable" in path.read_text() or 'sys.executable, "-' in path.read_text()
    ]
    assert named == ["detector/own_python.py"]
