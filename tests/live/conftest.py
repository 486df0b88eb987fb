"""The live tests print what they saw as a table, so that a CI log shows it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import tlsight

__all__ = ["tlsight"]

DOCUMENTED = "docs commands"
SEEN: dict[str, dict[str, str]] = {}
# Title -> row -> column -> cell.
TABLES: dict[str, dict[str, dict[str, str]]] = {"interceptors, live": SEEN}


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Close what the agents of a fleet's tests have open."""
    yield
    agents = sys.modules.get("tests.live.fleet_agents")
    if agents is not None:
        agents.close_all()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist hands its tables over."""
    handed_over = getattr(session.config, "workeroutput", None)
    if handed_over is not None:
        handed_over["tables"] = json.dumps(TABLES)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    handed_over = getattr(node, "workeroutput", {})  # none of a worker that crashed
    for title, rows in json.loads(handed_over.get("tables", "{}")).items():
        for name, row in rows.items():
            TABLES.setdefault(title, {}).setdefault(name, {}).update(row)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for title, rows in TABLES.items():
        if rows:
            terminalreporter.section(title)
            _show(terminalreporter, rows)
            if title == DOCUMENTED:
                _write(title, rows)


def _write(title: str, rows: dict[str, dict[str, str]]) -> None:
    """The same as a document, build/docs-commands.md."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    lines = [["", *columns], ["---"] * (len(columns) + 1)]
    lines += [
        [f"`{name}`", *(row.get(column, "") for column in columns)] for name, row in rows.items()
    ]
    text = "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )
    folder = Path(__file__).parents[2] / "build"
    folder.mkdir(exist_ok=True)
    (folder / f"{title.replace(' ', '-')}.md").write_text(f"# {title}\n\n{text}\n")


def _show(terminalreporter: pytest.TerminalReporter, rows: dict[str, dict[str, str]]) -> None:
    columns = list(dict.fromkeys(c for row in rows.values() for c in row))
    width = max(len(name) for name in rows) + 2
    widths = {c: 2 + max(len(c), *(len(row.get(c, "")) for row in rows.values())) for c in columns}
    terminalreporter.write_line("".ljust(width) + "".join(c.ljust(widths[c]) for c in columns))
    for name, row in rows.items():
        cells = "".join(row.get(column, "").ljust(widths[column]) for column in columns)
        terminalreporter.write_line(name.ljust(width) + cells)
