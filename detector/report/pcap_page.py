"""A capture as a page."""

from __future__ import annotations

from detector.capture.tally import Tally
from detector.forensics.judged import Teller
from detector.forensics.servers import Server
from detector.model.inquiry import Diagnosis
from detector.report.page import Block, Page, TableOf, chart_of, html, number
from detector.report.pcap_json import socket_text
from detector.report.pcap_text import CapturePrinter, notes
from detector.report.plotting import clock_text

_BLOCKS, _ROWS = 20, 200
_MARKS = {"ok": "✓", "failed": "✗", "skipped": "·"}


def capture_page(printer: CapturePrinter, teller: Teller, tally: Tally) -> str:
    """The page as HTML."""
    diagnosed = printer.diagnosed(teller)
    broken = [(s, d) for s, d in diagnosed if d is not None and not d.healthy]
    joined = printer.joiner
    lines = notes(tally, teller)
    if joined.count:
        lines.append(
            f"{len(joined.joined)} of {joined.count} logged failures are in the capture,"
            f" {sum(one.agree for one in joined.joined)} with the same cause"
        )
    span = f"{clock_text(tally.first)} to {clock_text(tally.last)}" if tally.first else "no TLS"
    return html(
        Page(
            title="TLS in a capture",
            lead=span,
            figures=(
                ("packets", number(tally.packets)),
                ("connections", number(printer.told)),
                ("failed", number(printer.failed)),
                ("servers", number(len(teller.servers.by_address))),
                ("intercepted", number(printer.verdicts["intercepted"])),
            ),
            chart=chart_of(printer.timeline),
            blocks=tuple(_block(printer, s, d) for s, d in broken[:_BLOCKS]),
            tables=(_servers(printer, diagnosed),),
            notes=tuple(lines),
        )
    )


def _block(printer: CapturePrinter, server: Server, diagnosis: Diagnosis) -> Block:
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


def _servers(printer: CapturePrinter, diagnosed: list[tuple[Server, Diagnosis | None]]) -> TableOf:
    rows = [
        (
            printer.shown(socket_text(server.address, server.port)),
            printer.name(server.name) if server.name else "",
            number(server.connections),
            number(server.failed),
            number(len(server.clients)),
            made.judgement.verdict if made is not None else "inconclusive",
            ", ".join(cause.id for cause in made.causes) if made is not None else "",
        )
        for server, made in diagnosed[:_ROWS]
    ]
    columns = ("server", "name", "connections", "failed", "clients", "verdict", "cause")
    return TableOf("Servers", columns, tuple(rows), (2, 3, 4))
