"""What a capture told, for a person, and its objects for a program."""

from __future__ import annotations

import os
import sys
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from detector.forensics.anonymous import Anonymizer
from detector.forensics.joining import Joined
from detector.forensics.judged import JudgedConnection
from detector.forensics.story import CaptureStory, Counts, ServerDiagnosis
from detector.model.harmless import harmless
from detector.model.targets import socket_text
from detector.report import diagnose_text
from detector.report.check_text import STYLES, escape, marked, stdout_console
from detector.report.pcap_json import pcap_record, summary_records
from detector.report.plotting import sparkline

_SHOWN = 12
_NOTED = "yellow"
COLUMNS = ("server", "name", "connections", "failed", "clients", "verdict", "cause")


class CapturePrinter:
    """Shows connections as they come, and the whole at the end."""

    def __init__(
        self, *, json: bool, connections: bool, summary: bool, verbose: bool, anonymize: bool
    ) -> None:
        self._json, self._connections = json, connections
        self._summary, self._verbose = summary, verbose
        self._anonymizer = Anonymizer(os.urandom(32)) if anonymize else None
        self._encode = msgspec.json.Encoder().encode
        self._console = None if json else stdout_console()

    def show(self, one: JudgedConnection, joined: Joined | None) -> None:
        """Print one connection where every one is wanted."""
        if self._json and not self._summary:
            self._object(pcap_record(one))
        elif self._console is not None and (self._connections or (self._verbose and one.failed)):
            self._console.print(self._line(one, joined))

    def finish(self, story: CaptureStory) -> None:
        """The servers, the summary, what was missing."""
        if self._json:
            for record in summary_records(story) if self._summary else ():
                self._object(record)
            for line in notes(story):
                print(f"tlsight: {harmless(line)}", file=sys.stderr)
            sys.stdout.buffer.flush()
            return
        assert self._console is not None
        self._console.print(Group(*self._whole(story)))

    def _object(self, record: Any) -> None:
        if self._anonymizer is not None:
            record = self._anonymizer.value(msgspec.to_builtins(record))
        sys.stdout.buffer.write(self._encode(record) + b"\n")

    def shown(self, text: str) -> str:
        """A text as it may be shown."""
        return self._anonymizer.text(text) if self._anonymizer is not None else text

    def name(self, text: str) -> str:
        return self._anonymizer.value(text, "sni") if self._anonymizer is not None else text

    def _line(self, told: JudgedConnection, joined: Joined | None) -> RenderableType:
        c = told.connection
        word = (
            "[red]failed[/]" if told.failed else "[green]done[/]" if c.completed else "[dim]open[/]"
        )
        where = f"{self.shown(socket_text(c.client, c.client_port))} → {self.shown(socket_text(c.server, c.server_port))}"
        name = f" {self.name(c.sni)}" if c.sni else ""
        parts = [f"{word} {escape(where)}{escape(name)}"]
        if told.judgement is not None:
            parts.append(f"[{STYLES[told.verdict]}]{told.verdict}[/]")
        if told.opinion is not None and told.opinion.interception == "likely":
            parts.append("[bold red]not the hello of the browser it claims to be[/]")
        lines = ["  ".join(parts)]
        lines += [f"    {escape(self.shown(x.text))} [dim]({x.id})[/]" for x in told.causes[:3]]
        lines += [f"    {escape(text)}" for text in c.signs]
        if told.opinion is not None:
            lines += [f"    {escape(text)}" for text in told.opinion.differs]
        if joined is not None:
            lines.append(f"    [dim]log:[/] {escape(self.shown(joined.event.reason))}")
        return marked("\n".join(lines))

    def _whole(self, story: CaptureStory) -> list[RenderableType]:
        parts: list[RenderableType] = [Text(headline(story), style="bold")]
        if story.timeline.steps:
            parts.append(sparkline(story.timeline))
        if story.servers:
            parts.append(self._servers(story))
        for one in story.broken[:_SHOWN]:
            if self._anonymizer is None and one.diagnosis is not None:
                programs = None if self._verbose else ()
                parts += [Text(""), diagnose_text.render(one.diagnosis, programs)]
        parts += [self._group(by, counts) for by, counts in story.by.items()]
        if story.joiner.count:
            parts.append(self._joined(story))
        parts += [Text(f"note: {line}", style=_NOTED) for line in notes(story)]
        return parts

    def _servers(self, story: CaptureStory) -> Table:
        table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
        for column in COLUMNS:
            right = column in ("connections", "failed", "clients")
            table.add_column(column, justify="right" if right else "left")
        for one in story.servers[: 3 * _SHOWN]:
            cells = self.cells(one)
            style = STYLES[one.verdict]
            table.add_row(*map(escape, cells[:5]), f"[{style}]{cells[5]}[/]", escape(cells[6]))
        return table

    def cells(self, one: ServerDiagnosis) -> tuple[str, ...]:
        """One row, as the table of servers has it."""
        server = one.server
        causes = [cause.id for cause in one.diagnosis.causes] if one.diagnosis is not None else []
        return (
            self.shown(socket_text(server.address, server.port)),
            self.name(server.name) if server.name else "",
            f"{server.connections:,}",
            f"{server.failed:,}",
            f"{len(server.clients):,}",
            one.verdict,
            ", ".join(causes[:3]),
        )

    def _group(self, by: str, counts: Counts) -> Table:
        title = {"sni": "by name", "ja4": "by JA4", "cause": "by cause"}[by]
        table = Table(box=None, header_style="dim", title=title, title_justify="left",
                      title_style="bold", padding=(0, 2, 0, 0))  # fmt: skip
        table.add_column(by)
        for column in ("connections", "failed", "clients"):
            table.add_column(column, justify="right")
        for key, count in counts.connections.most_common(_SHOWN):
            shown = self.name(key) if by == "sni" and key != "(none)" else key
            table.add_row(
                escape(shown), str(count), str(counts.failed[key]), str(len(counts.clients[key]))
            )
        return table

    def _joined(self, story: CaptureStory) -> RenderableType:
        joiner = story.joiner
        head = (
            f"[bold]log and capture[/]: {len(joiner.joined)} of {joiner.count} logged failures are in the"
            f" capture, {story.agreed} with the same cause; {joiner.left} are not in it"
        )
        lines = [head]
        for one in [j for j in joiner.joined if not j.agree][:_SHOWN]:
            cause = one.told.causes[0].id if one.told.causes else "none"
            lines.append(
                f"  {escape(self.shown(one.event.peer or ''))}: the log says {one.event.cause}"
                f" ({escape(self.shown(one.event.reason[:80]))}), the packets say {cause}"
            )
        return marked("\n".join(lines))


def headline(story: CaptureStory) -> str:
    """What the capture amounts to, in one line."""
    parts = [f"{story.failed:,} failed"]
    if story.intercepted:
        parts.append(f"{story.intercepted:,} intercepted")
    if story.broken:
        count = len(story.broken)
        parts.append(f"{count:,} {'server' if count == 1 else 'servers'} with faults")
    head = f"{story.tally.packets:,} packets, {story.connections:,} connections with TLS"
    return f"{head}: {', '.join(parts)}"


def notes(story: CaptureStory) -> list[str]:
    """What was missing."""
    tally = story.tally
    found: list[str] = []
    if tally.skipped:
        found.append(f"{tally.skipped:,} bytes of the capture make no sense and were passed over")
    if tally.cut:
        found.append("the capture ends in the middle of a packet")
    if tally.evicted:
        found.append(
            f"{tally.evicted:,} connections were told before their end: too many at once; see --limit"
        )
    if tally.fragments_lost:
        found.append(f"{tally.fragments_lost:,} datagrams were never whole")
    if story.left_out:
        found.append(f"{story.left_out:,} connections are of servers beyond the first 4,096")
    return found
