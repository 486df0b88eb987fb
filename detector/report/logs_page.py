"""Logs as a page."""

from __future__ import annotations

from detector.logs.story import LogStory
from detector.report.logs_text import COLUMNS, LogPrinter, told
from detector.report.page import Block, Page, TableOf, chart_of, html, number
from detector.report.plotting import clock_text


def log_page(printer: LogPrinter, story: LogStory) -> str:
    """The page as HTML."""
    seen = story.seen
    failures, noise = story.failures, story.noise
    clients = set().union(*(group.clients for group in failures)) if failures else set()
    span = ""
    if seen.first is not None and seen.last is not None:
        span = f"{clock_text(seen.first)} to {clock_text(seen.last)}"
    blocks = [Block(printer.shown(told(onset)), bad=True) for onset in story.onsets[:10]]
    blocks += [
        Block("Somebody in the middle?", (printer.shown(h.text),), bad=True) for h in story.hints
    ]
    blocks += [
        Block(
            f"{'Hidden' if spot.certain else 'May be hidden'}: {spot.program}",
            (spot.text,),
            code=spot.directive,
        )
        for spot in story.blind
    ]
    tables = [TableOf("Causes", COLUMNS, tuple(printer.cells(g) for g in failures), (0, 1))]
    if noise:
        rows = tuple(printer.cells(g) for g in noise)
        tables.append(TableOf("Scanners and health checks", COLUMNS, rows, (0, 1)))
    return html(
        Page(
            title="Failed TLS handshakes",
            lead=f"{', '.join(seen.programs)}, {span}" if span else ", ".join(seen.programs),
            figures=(
                ("lines", number(seen.lines)),
                ("failed", number(sum(g.events for g in failures))),
                ("clients", number(len(clients))),
                ("causes", number(len({g.cause for g in failures}))),
                ("noise", number(sum(g.events for g in noise))),
            ),
            chart=chart_of(story.timeline),
            blocks=tuple(blocks),
            tables=tuple(tables),
        )
    )
