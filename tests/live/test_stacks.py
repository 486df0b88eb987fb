"""Healthy servers of many TLS libraries, in many settings: nothing wrong is said of any.

All of them run at once, and each command is asked about half of them at a time: its exit code then stands for every
one of these, and Python starts four times instead of hundreds of times.
"""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from detector.lab.pki import LabPki
from tests.cli.conftest import command
from tests.live.conftest import TABLES
from tests.live.programs import readable_by_all
from tests.live.stacks.cells import Cell, Setting, Stack, cells_in, stacks

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]

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
        records: command -> port -> its line of JSON.
        exits: command -> exit code and what it wrote to stderr, for each half of the cells.
        ports: names of stack and setting -> where it listens.
        silent: names of stack and setting -> why it did not start.

    """

    records: dict[str, dict[int, Record]]
    exits: dict[str, list[tuple[int, str]]]
    ports: dict[tuple[str, str], int]
    silent: dict[tuple[str, str], str]

    def of(self, verb: str, stack: Stack, setting: Setting) -> Record:
        key = stack.name, setting.name
        assert key not in self.silent, self.silent[key]
        return self.records[verb][self.ports[key]]


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Heard:
    folder = tmp_path_factory.mktemp("stacks")
    readable_by_all(folder)
    pki = LabPki()
    (folder / "logs.json").write_text(pki.ct_logs_json)
    running: list[Cell] = []

    def start(cell: Cell | Exception) -> Cell | Exception:
        try:
            if isinstance(cell, Cell):
                running.append(cell.__enter__())
        except (RuntimeError, OSError) as error:
            return error
        return cell

    with ThreadPoolExecutor(8) as pool:
        try:
            started = list(pool.map(start, cells_in(folder, pki, pool)))
            said = {verb: asked_of_all(verb, folder, running, pool) for verb in VERBS}
            done = {verb: [one.result() for one in asking] for verb, asking in said.items()}
        finally:
            list(pool.map(lambda cell: cell.__exit__(None, None, None), running))
    named = {
        (stack.name, setting.name): one
        for (stack, setting), one in zip(CELLS, started, strict=True)
    }
    return Heard(
        {verb: by_port("".join(half.stdout for half in halves)) for verb, halves in done.items()},
        {
            verb: [(half.returncode, half.stderr) for half in halves]
            for verb, halves in done.items()
        },
        {key: cell.port for key, cell in named.items() if isinstance(cell, Cell)},
        {key: str(error) for key, error in named.items() if isinstance(error, Exception)},
    )


def asked_of_all(
    verb: str, folder: Path, cells: list[Cell], pool: Executor
) -> list[Future[subprocess.CompletedProcess[str]]]:
    """One process a core."""
    targets = [cell.target for cell in cells]
    return [pool.submit(asked, verb, folder, half) for half in (targets[::2], targets[1::2])]


def asked(verb: str, folder: Path, targets: list[str]) -> subprocess.CompletedProcess[str]:
    return command(folder / verb, timeout=800)(
        verb, "--json", "--roots", folder / "root.pem", "--ct-logs", folder / "logs.json",
        "--no-store", "--no-local-roots", "--no-history", "--timeout", "60", *targets,
    )  # fmt: skip


def by_port(lines: str) -> dict[int, Record]:
    return {record["target"]["port"]: record for record in map(json.loads, lines.splitlines())}


@EACH
def test_a_healthy_server_is_called_direct(stack: Stack, setting: Setting, heard: Heard) -> None:
    record = heard.of("check", stack, setting)
    show(stack, setting, record["verdict"])
    assert record["verdict"] == "direct", (record["error"], record["causes"], record["evidence"])


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
    assert [code for code, _ in heard.exits[verb]] == [0, 0], heard.exits[verb]


def show(stack: Stack, setting: Setting, *said: str) -> None:
    """Add to the table that the run ends with."""
    row = SEEN.setdefault(f"{stack.name} ({stack.library})", {})
    row[setting.name] = ", ".join(filter(None, (row.get(setting.name), *said)))
