"""A capture as a page."""

from __future__ import annotations

from detector.forensics.story import CaptureStory, ServerDiagnosis
from detector.model.targets import socket_text
from detector.report.page import Block, Page, TableOf, chart_of, html, number
from detector.report.pcap_text import COLUMNS, CapturePrinter, notes
from detector.report.plotting import clock_text

_BLOCKS, _ROWS = 20, 200
_MARKS = {"ok": "✓", "failed": "✗", "skipped": "·"}


def capture_page(printer: CapturePrinter, story: CaptureStory) -> str:
    """The page as HTML."""
    lines = notes(story)
    if story.joiner.count:
        lines.append(
            f"{len(story.joiner.joined)} of {story.joiner.count} logged failures are in the capture,"
            f" {story.agreed} with the same cause"
        )
    tally = story.tally
    span = f"{clock_text(tally.first)} to {clock_text(tally.last)}" if tally.first else "no TLS"
    rows = tuple(printer.cells(one) for one in story.servers[:_ROWS])
    return html(
        Page(
            title="TLS in a capture",
            lead=span,
            figures=(
                ("packets", number(tally.packets)),
                ("connections", number(story.connections)),
                ("failed", number(story.failed)),
                ("servers", number(len(story.servers))),
                ("intercepted", number(story.intercepted)),
            ),
            chart=chart_of(story.timeline),
            blocks=tuple(_block(printer, one) for one in story.broken[:_BLOCKS]),
            tables=(TableOf("Servers", COLUMNS, rows, (2, 3, 4)),),
            notes=tuple(lines),
        )
    )


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
