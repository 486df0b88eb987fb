"""Logs as a page: who may stand in between first, then what failed, when it began, and what the log hides."""

from __future__ import annotations

from detector.logs.ledger import Group
from detector.logs.story import LogStory
from detector.report.axis import moment_text
from detector.report.chart import chart_of
from detector.report.logs_text import COLUMNS, LogPrinter, told
from detector.report.page import Block, Code, Page, TableOf, number, shown
from detector.report.palette import INTERCEPTION

_ONSETS, _ROWS = 10, 1_000
UNIT = "failed handshakes"
_SINCE, _UNTIL = COLUMNS.index("since"), COLUMNS.index("until")


def log_page(printer: LogPrinter, story: LogStory) -> Page:
    """What the page says."""
    seen = story.seen
    failures, noise = story.failures, story.noise
    clients = set().union(*(group.clients for group in failures)) if failures else set()
    between = [group for group in failures if group.cause == INTERCEPTION]
    span = ""
    if seen.first is not None and seen.last is not None:
        span = f"{moment_text(seen.first)} to {moment_text(seen.last)} UTC"
    tables = []
    if failures:
        first = sorted(failures, key=lambda group: group.cause != INTERCEPTION)
        tables.append(_table(printer, "Causes", first))
    return Page(
        title="Failed TLS handshakes",
        lead=f"{', '.join(seen.programs)}, {span}" if span else ", ".join(seen.programs),
        figures=(
            ("lines", number(seen.lines)),
            ("failed", number(sum(g.events for g in failures))),
            *((("intercepted", number(sum(g.events for g in between))),) if between else ()),
            ("clients", number(len(clients))),
            ("causes", number(len({g.cause for g in failures}))),
            ("noise", number(sum(g.events for g in noise))),
        ),
        first=tuple(
            Block("Somebody in the middle?", (shown(printer.shown(hint.text)),), tone="intercepted")
            for hint in story.hints
        ),
        leading=tuple(tables),
        chart=chart_of(story.timeline, "Failures over time", UNIT, changes(printer, story)),
        blocks=tuple(_blocks(printer, story)),
        blocks_title="What changed, and what is hidden",
        tables=(_table(printer, "Scanners and health checks", noise),) if noise else (),
    )


def changes(printer: LogPrinter, story: LogStory) -> list[tuple[float, str]]:
    """When somebody changed something, by the log itself and by what is known otherwise."""
    found = {
        (at, shown(printer.shown(what))) for at, _, what in story.seen.changes if at is not None
    }
    return sorted(found)


def _blocks(printer: LogPrinter, story: LogStory) -> list[Block]:
    found = [
        Block(
            shown(printer.shown(told(onset))),
            tone="intercepted" if onset.cause == INTERCEPTION else "bad",
        )
        for onset in story.onsets[:_ONSETS]
    ]
    return found + [
        Block(
            f"{'Hidden' if spot.certain else 'May be hidden'}: {spot.program}",
            (spot.text,),
            codes=(Code(spot.program, spot.directive),) if spot.directive else (),
            tone="weak",
        )
        for spot in story.blind
    ]


def _table(printer: LogPrinter, title: str, groups: list[Group] | tuple[Group, ...]) -> TableOf:
    rows = tuple(_cells(printer, group) for group in groups[:_ROWS])
    styles = {INTERCEPTION: "intercepted"}
    return TableOf(title, COLUMNS, rows, (0, 1), whole=(_SINCE, _UNTIL), head=2, styles=styles)


def _cells(printer: LogPrinter, group: Group) -> tuple[str, ...]:
    """The cells of the terminal, with names that no terminal reads."""
    cells = list(printer.cells(group))
    cells[-1] = ", ".join(printer.names(group, 3))
    return tuple(map(shown, cells))
