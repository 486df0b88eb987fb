"""Healthy servers of many TLS libraries, in many settings: nothing wrong is said of any.

All of them run at once, and each command is asked once about all of them: its exit code then stands for every one,
and Python starts twice instead of hundreds of times.
"""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from detector.lab.pki import LabPki
from tests.cli.conftest import command
from tests.live.conftest import TABLES
from tests.live.programs import readable_by_all
from tests.live.stacks.cells import Cell, Setting, Stack, cells_in, stacks

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

CELLS = [(stack, setting) for stack in stacks() for setting in stack.settings]
EACH = pytest.mark.parametrize(
    ("stack", "setting"), CELLS, ids=[f"{stack.name}: {setting.name}" for stack, setting in CELLS]
)
SEEN = TABLES.setdefault("healthy servers: verdict, and causes that diagnose names", {})
VERBS = ("check", "diagnose")
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """What two commands said of all cells.

    Attributes:
        records: command -> target -> its line of JSON.
        exits: command -> exit code, and what it wrote to stderr.
        targets: names of stack and setting -> target.
        silent: names of stack and setting -> why it did not start.

    """

    records: dict[str, dict[str, Record]]
    exits: dict[str, tuple[int, str]]
    targets: dict[tuple[str, str], str]
    silent: dict[tuple[str, str], str]

    def of(self, verb: str, stack: Stack, setting: Setting) -> Record:
        key = stack.name, setting.name
        assert key not in self.silent, self.silent[key]
        return self.records[verb][self.targets[key]]


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Heard:
    folder = tmp_path_factory.mktemp("stacks")
    readable_by_all(folder)
    pki = LabPki()
    (folder / "logs.json").write_text(pki.ct_logs_json)
    with ThreadPoolExecutor(8) as pool, ExitStack() as running:
        started = list(pool.map(start, cells_in(folder, pki, pool)))
        running.callback(lambda: list(pool.map(stop, started)))
        named = {
            (stack.name, setting.name): one
            for (stack, setting), one in zip(CELLS, started, strict=True)
        }
        targets = {key: cell.target for key, cell in named.items() if isinstance(cell, Cell)}
        silent = {key: str(error) for key, error in named.items() if not isinstance(error, Cell)}
        asking = [pool.submit(asked, verb, folder, list(targets.values())) for verb in VERBS]
        done = dict(zip(VERBS, (one.result() for one in asking), strict=True))
    return Heard(
        {verb: by_target(one.stdout) for verb, one in done.items()},
        {verb: (one.returncode, one.stderr) for verb, one in done.items()},
        targets,
        silent,
    )


def start(cell: Cell | Exception) -> Cell | Exception:
    try:
        return cell if isinstance(cell, Exception) else cell.__enter__()
    except (RuntimeError, OSError) as error:
        return error


def stop(cell: Cell | Exception) -> None:
    if isinstance(cell, Cell):
        cell.__exit__(None, None, None)


def asked(verb: str, folder: Path, targets: list[str]) -> subprocess.CompletedProcess[str]:
    return command(folder / verb, timeout=200)(
        verb, "--json", "--roots", folder / "root.pem", "--ct-logs", folder / "logs.json", "--no-store", "--no-local-roots", "--no-history",
        "--timeout", "10", *targets,
    )  # fmt: skip


def by_target(lines: str) -> dict[str, Record]:
    found: dict[str, Record] = {}
    for record in map(json.loads, lines.splitlines()):
        target = record["target"]
        host = f"[{target['host']}]" if ":" in target["host"] else target["host"]
        scheme = f"{target['starttls']}://" if target.get("starttls") else ""
        found[f"{scheme}{host}:{target['port']}"] = record
    return found


@EACH
def test_a_healthy_server_is_called_direct(stack: Stack, setting: Setting, heard: Heard) -> None:
    record = heard.of("check", stack, setting)
    show(stack, setting, record["verdict"])
    assert record["verdict"] == "direct", record


@EACH
def test_a_healthy_server_is_blamed_for_nothing(
    stack: Stack, setting: Setting, heard: Heard
) -> None:
    record = heard.of("diagnose", stack, setting)
    causes = [(cause["severity"], cause["id"]) for cause in record["causes"]]
    show(stack, setting, *(f"{name} ({severity})" for severity, name in causes))
    assert [name for severity, name in causes if severity == "error"] == [], record["causes"]
    assert [step for step in record["steps"] if step["status"] == "failed"] == []
    assert record["verdict"]["verdict"] == "direct"


@pytest.mark.parametrize("verb", VERBS)
def test_the_exit_code_says_that_all_are_healthy(verb: str, heard: Heard) -> None:
    code, errors = heard.exits[verb]
    assert code == 0, errors


def show(stack: Stack, setting: Setting, *said: str) -> None:
    """Add to the table that the run ends with."""
    row = SEEN.setdefault(stack.name, {})
    row[setting.name] = ", ".join(filter(None, (row.get(setting.name), *said)))
