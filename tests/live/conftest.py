"""The live tests print what they saw as a table, so that a CI log shows it."""

from __future__ import annotations

import pytest

from tests.cli.conftest import tlsight

__all__ = ["tlsight"]

SEEN: dict[str, dict[str, str]] = {}


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not SEEN:
        return
    columns = list(dict.fromkeys(c for row in SEEN.values() for c in row))
    terminalreporter.section("interceptors, live")
    width = max(len(name) for name in SEEN) + 2
    terminalreporter.write_line("".ljust(width) + "".join(c.ljust(40) for c in columns))
    for name, row in SEEN.items():
        cells = "".join(row.get(column, "").ljust(40) for column in columns)
        terminalreporter.write_line(name.ljust(width) + cells)
