"""A capture as a page."""

from __future__ import annotations

from collections.abc import Iterator

from detector.forensics.story import CaptureStory, ServerDiagnosis
from detector.model.targets import socket_text
from detector.report.page import Block, Page, TableOf, chart_of, html, number
from detector.report.pcap_json import SummaryRecord, capture_record, server_record
from detector.report.pcap_table import beneath
from detector.report.pcap_text import TITLES, CapturePrinter, heads, notes
from detector.report.pcap_words import REACHED, clients, clock, counted, place, reached, spans_days

_BLOCKS, _ROWS, _KEYS = 20, 200, 40
_COLUMNS = ("when UTC", "server", "from", "reached", "failed", "verdict", "why")
_MARKS = {"ok": "✓", "failed": "✗", "skipped": "·"}


def capture_page(printer: CapturePrinter, story: CaptureStory) -> str:
    """The page as HTML."""
    lines = notes(story)
    if story.joiner.count:
        lines.append(
            f"{len(story.joiner.joined)} of {story.joiner.count} logged failures are in the capture,"
            f" {story.agreed} with the same cause"
        )
    records = [printer.hidden(server_record(one)) for one in story.servers[:_ROWS]]
    whole = capture_record(story)
    count = number(story.connections)
    if not story.selection.is_everything:
        count = f"{count} of {number(story.seen)}"
    return html(
        Page(
            title="TLS in a capture",
            lead=". ".join(heads(whole)) or "no TLS",
            figures=(
                ("packets", number(story.tally.packets)),
                ("connections", count),
                ("failed", number(story.failed)),
                ("servers", number(whole.servers or 0)),
                ("intercepted", number(story.intercepted)),
                ("hellos not their browser's", number(story.hellos["likely"])),
            ),
            chart=chart_of(story.timeline),
            blocks=tuple(_block(printer, one) for one in story.broken[:_BLOCKS]),
            tables=(_servers(records), *_groups(printer, story)),
            notes=tuple(lines),
        )
    )


def _servers(records: list[SummaryRecord]) -> TableOf:
    """The table of the terminal, with the lines beneath as a column."""
    days = spans_days([t for one in records for t in (one.first, one.last) if t is not None])
    rows = []
    for one in records:
        said = [text for _, _, text in beneath(one, days=days)]
        if one.verdict == "inconclusive" and one.reason is not None and one.reason not in said:
            said.append(one.reason)
        when = min((f.first for f in one.failures), default=one.first)
        rows.append((
            clock(when, days=days) if when is not None else "", place(one), clients(one),
            REACHED.get(reached(one), ""), counted(one), one.verdict or "", " ".join(said),
        ))  # fmt: skip
    return TableOf("Servers", _COLUMNS, tuple(rows), (4,))


def _groups(printer: CapturePrinter, story: CaptureStory) -> Iterator[TableOf]:
    for by, counts in story.by.items():
        rows = tuple(
            (
                printer.key(by, key),
                number(count), number(counts.failed[key]), number(len(counts.clients[key])),
                number(len(counts.servers[key])),
            )
            for key, count in counts.connections.most_common(_KEYS)
        )  # fmt: skip
        if rows:
            figures = ("connections", "failed", "clients", "servers")
            title = TITLES[by]
            yield TableOf(title[:1].upper() + title[1:], ("", *figures), rows, (1, 2, 3, 4))


def _block(printer: CapturePrinter, one: ServerDiagnosis) -> Block:
    server, diagnosis = one.server, one.diagnosis
    assert diagnosis is not None
    where = socket_text(server.address, server.port)
    title = f"{server.name} ({where})" if server.name else where
    causes = [f"{cause.text} ({cause.id})" for cause in diagnosis.causes[:4]]
    fixes = [f"{fix.party}: {fix.text}" for cause in diagnosis.causes[:1] for fix in cause.fix]
    config = next(
        (
            fix.config["nginx"]
            for c in diagnosis.causes[:1]
            for fix in c.fix
            if "nginx" in fix.config
        ),
        "",
    )
    return Block(
        title=printer.shown(title),
        lines=tuple(printer.shown(text) for text in (*causes, *fixes)),
        steps=tuple(
            (_MARKS[step.status], step.step, printer.shown(step.text)) for step in diagnosis.steps
        ),
        code=printer.shown(config),
        bad=True,
    )
