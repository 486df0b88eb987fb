"""No hostile peer and no hostile file makes a command cost more than it may, or say what it may not.

    python -m pytest tests/hostile -s              # prints the table: command x peer -> wall, CPU, MiB, exit
    python -m tests.hostile.arena FOLDER --all     # every command against every peer and file, not a choice

Each cell is the command itself in a process of its own; what it cost is what wait4 said of it. The bounds are in
`tests.hostile.bounds`, which SECURITY.md states.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.hostile import bounds, reading, tree
from tests.hostile.cells import COMMANDS
from tests.hostile.measured import Run

ROOT = Path(__file__).parents[2]
# Tab and newline lay text out; all else that is no graphic sign is somebody's doing.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def test_every_command_meets_its_peers_and_reads_its_files() -> None:
    """A verb or an option that is added needs a row, or the reason why it has none."""
    rows = {*COMMANDS, *reading.BASE, *reading.NEITHER}
    assert set(tree.commands()) == rows
    reads = {option.command for option in tree.file_options()}
    assert reads <= {*reading.BASE, *reading.NEITHER}
    options = {(option.command, option.name) for option in tree.file_options()}
    assert set(reading.MEANING) <= options


@pytest.mark.live
@pytest.mark.timeout(960)
def test_every_cell_keeps_its_bounds(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    runs = _runs(tmp_path)
    assert len(runs) > 300
    breaches = {
        run.name: found for run in _settled(runs, tmp_path) if (found := _breaches(run, tmp_path))
    }
    if pytestconfig.getoption("capture") == "no":
        _show(runs, breaches)
    assert not breaches


def _settled(runs: list[Run], folder: Path) -> list[Run]:
    """The runs; of one that was too dear the costs of a second one."""
    dear = [run.name for run in runs if run.code is not None and bounds.is_dear(run)]
    if not dear:
        return runs
    (folder / "again").mkdir()
    again = {run.name: run for run in _runs(folder / "again", *dear)}
    return [
        msgspec.structs.replace(run, cpu=again[run.name].cpu, wall=again[run.name].wall)
        if run.name in dear
        else run
        for run in runs
    ]


def _runs(folder: Path, *cells: str) -> list[Run]:
    words = [sys.executable, "-m", "tests.hostile.arena", str(folder), *cells]
    alone = ["unshare", "-n", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"]
    if (
        shutil.which("unshare")
        and not subprocess.run([*alone, "true"], capture_output=True).returncode
    ):
        words = [*alone, *words]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]
    return [msgspec.json.decode(line, type=Run) for line in done.stdout.splitlines()]


def _breaches(run: Run, folder: Path) -> list[str]:
    found = bounds.breaches(run)
    for name in ("stdout", "stderr"):
        text = (folder / run.folder / name).read_bytes().decode("utf-8", "replace")
        if "Traceback" in text or "unexpected error" in text:
            found.append(f"{name}: {text[-300:]}")
        if odd := _CONTROLS.search(text):
            found.append(f"{name} holds {odd[0]!r}: {text[max(0, odd.start() - 60) : odd.end()]!r}")
    return found


def _show(runs: list[Run], breaches: dict[str, list[str]]) -> None:
    print(f"\n{'command | peer or file':72} {'wall s':>7} {'CPU s':>6} {'MiB':>5} exit")
    for run in sorted(runs, key=lambda r: r.name):
        costs = f"{run.wall:7.2f} {run.cpu:6.2f} {run.mib:5.0f} {run.code}"
        print(f"{run.name:72} {costs}", *breaches.get(run.name, ()))
