"""What a capture told, for a person, and its objects for a program."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
from rich.console import Console, Group, RenderableType
from rich.text import Text

from detector.capture.following import Followed
from detector.forensics.anonymous import Anonymizer
from detector.forensics.groups import NONE, Kind
from detector.forensics.joining import Joined
from detector.forensics.judged import JudgedConnection
from detector.forensics.observed import moment
from detector.forensics.outcomes import VERDICTS, reason_of, stage
from detector.forensics.story import CaptureStory, Counts
from detector.model.harmless import harmless
from detector.model.targets import socket_text
from detector.report import diagnose_text
from detector.report.check_text import STYLES, escape, marked, stdout_console
from detector.report.layout import Cell, Column, Fitted
from detector.report.pcap_connection_json import connection_record
from detector.report.pcap_connection_text import connection_lines
from detector.report.pcap_json import (
    SummaryRecord,
    capture_record,
    pcap_record,
    server_record,
    summary_records,
)
from detector.report.pcap_table import ServerTable
from detector.report.pcap_words import after, called, cut_of, opinion_text, span
from detector.report.plotting import sparkline

_SHOWN = 12
_ROWS = 40
_NOTED = "yellow"
_FIGURES = (
    Column("connections", right=True, kind="figure"), Column("failed", right=True, kind="figure"),
    Column("clients", right=True, kind="figure", minor=2), Column("servers", right=True, kind="figure", minor=1),
)  # fmt: skip
TITLES: dict[Kind, str] = {
    "sni": "name",
    "ja4": "JA4",
    "cause": "cause",
    "version": "version chosen",
    "cipher": "suite chosen",
    "group": "key exchange chosen",
    "shares": "groups with a key in the hello",
    "post-quantum": "post-quantum key exchange",
    "hello-size": "size of the hello",
    "hello-packets": "pieces of the hello",
    "browser": "is the hello its browser's?",
}
_BROWSER = {"likely": "no, intercepted", "unlikely": "yes", "unknown": "unknown"}


class CapturePrinter:
    """Shows connections as they come, and the whole at the end.

    Args:
        json: objects on stdout instead of text.
        connections: every connection.
        summary: groups of connections.
        verbose: the failed connections, all servers, and lines of configurations.
        anonymize: replace names and addresses.
        ladders: the diagnosis of each server.

    """

    def __init__(
        self,
        *,
        json: bool,
        connections: bool,
        summary: bool,
        verbose: bool,
        anonymize: bool,
        ladders: bool = False,
    ) -> None:
        self._json, self._connections = json, connections
        self._summary, self._verbose, self._ladders = summary, verbose, ladders
        self._anonymizer = Anonymizer(os.urandom(32)) if anonymize else None
        self._encode = msgspec.json.Encoder().encode
        self._followed = False
        self._console = None if json else stdout_console()

    def show(self, one: JudgedConnection, joined: Joined | None) -> None:
        """Print one connection where every one is wanted."""
        if self._json and not self._summary:
            self._object(pcap_record(one))
        elif self._console is not None and (self._connections or (self._verbose and one.failed)):
            self._console.print(self._line(one, joined))

    def follow(self, one: JudgedConnection, found: Followed) -> None:
        """Print one connection in detail, and nothing else but its diagnosis."""
        record = self.hidden(connection_record(one, found))
        self._followed = True
        if self._console is None:
            self._object(record)
            return
        width = self._console.width
        for line in connection_lines(record, width):
            self._console.print(line, soft_wrap=line.no_wrap or False)

    def finish(self, story: CaptureStory) -> None:
        """The servers, the summary, what was missing."""
        if self._json:
            for record in summary_records(story) if self._summary and not self._followed else ():
                self._object(record)
            sys.stdout.buffer.flush()  # where that fails nothing else is to be said
            for line in notes(story, json=not self._summary):
                print(f"tlsight: {harmless(line)}", file=sys.stderr)
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

    def hidden[R: msgspec.Struct](self, record: R) -> R:
        """A record as it may be shown."""
        if self._anonymizer is None:
            return record
        return msgspec.convert(self._anonymizer.value(msgspec.to_builtins(record)), type(record))

    def name(self, text: str) -> str:
        return self._anonymizer.value(text, "sni") if self._anonymizer is not None else text

    def _line(self, told: JudgedConnection, joined: Joined | None) -> RenderableType:
        c = told.connection
        if self._anonymizer is not None:
            target = c.preamble.target if c.preamble is not None else None
            self._anonymizer.learn({"sni": c.sni, "target": target})
        word = (
            "[red]failed[/]" if told.failed else "[green]done[/]" if c.completed else "[dim]open[/]"
        )
        when = f"{moment(c.first):%m-%d %H:%M:%S.%f}"[:-3]
        where = f"{self.shown(socket_text(c.client, c.client_port))} → {self.shown(socket_text(c.server, c.server_port))}"
        name = f" {self.name(c.sni)}" if c.sni else ""
        parts = [
            f"[dim]{called(c.number, c.source)} {when}[/] {word} {escape(where)}{escape(name)}"
        ]
        if told.judgement is not None:
            parts.append(f"[{STYLES[told.verdict]}]{told.verdict}[/]")
        opinion = told.opinion
        if opinion is not None and opinion.interception == "likely":
            parts.append("[bold red]not the hello of the browser it claims to be[/]")
        lines = ["  ".join(parts)]
        lines += [f"    {escape(self.shown(x.text))} [dim]({x.id})[/]" for x in told.causes[:3]]
        if told.blamed is not None:
            lines.append(f"    {after(stage(c))}, {cut_of(c)}")
        lines += [f"    {escape(text)}" for text in c.signs]
        if told.verdict in ("intercepted", "suspect"):
            reason = reason_of(told.judgement, None) or ""
            lines.append(f"    {told.verdict}: {escape(self.shown(reason))}")
        if opinion is not None:
            lines.append(f"    {escape(opinion_text(opinion))}")
        if joined is not None:
            lines.append(f"    [dim]log:[/] {escape(self.shown(joined.event.reason))}")
        return marked("\n".join(lines))

    def _whole(self, story: CaptureStory) -> list[RenderableType]:
        assert self._console is not None
        width = self._console.width
        if self._followed:
            return [*self._diagnoses(story), *_noted(story)]
        whole = capture_record(story)
        parts: list[RenderableType] = [Text(headline(story), style="bold")]
        parts += [Text(line) for line in heads(whole)]
        if len(story.timeline.steps) > 1:
            parts.append(sparkline(story.timeline, min(60, width - 60) if width > 76 else 16))
        parts += self._servers(story, width)
        if self._ladders:
            parts += self._diagnoses(story)
        for by, counts in story.by.items():
            if counts.connections:
                parts += [Text(""), self._group(by, counts)]
        if story.joiner.count:
            parts.append(self._joined(story))
        return [*parts, *_noted(story)]

    def _servers(self, story: CaptureStory, width: int) -> list[RenderableType]:
        rows = story.servers if self._verbose or self._ladders else story.servers[:_ROWS]
        if not rows:
            return []
        records = [self.hidden(server_record(one)) for one in rows]
        table = ServerTable(width, every=self._verbose or self._ladders)
        parts: list[RenderableType] = [Text(""), *table.lines(records)]
        rest = story.servers[len(rows) :]
        if rest or story.further:
            failed = sum(bool(one.server.failed) for one in rest)
            more = " or more" if story.further else ""
            told = (
                f"{failed:,}{more} of them with failures"
                if failed or more
                else "none of them with failures"
            )
            count = len(rest) + story.further
            parts.append(Text(f"and {count:,} more servers, {told}; -v shows them", style="dim"))
        return parts

    def _diagnoses(self, story: CaptureStory) -> Iterator[RenderableType]:
        """Ladders, for those who asked for a server."""
        programs = None if self._verbose else ()
        for one in story.servers[:_SHOWN]:
            if one.diagnosis is None:
                continue
            made = diagnose_text.render(one.diagnosis, programs)
            yield Text("")
            if self._anonymizer is None:
                yield made
            else:
                yield Text("\n".join(map(self.shown, _plain(made))))

    def _group(self, by: Kind, counts: Counts) -> Fitted:
        columns = (Column(TITLES[by], kind="name"), *_FIGURES)
        rows: list[tuple[Cell, ...]] = []
        for key, count in counts.connections.most_common(_SHOWN):
            figures = (
                count,
                counts.failed[key],
                len(counts.clients[key]),
                len(counts.servers[key]),
            )
            name: Cell = (harmless(self.key(by, key)), "")
            rows.append((name, *((f"{figure:,}", "") for figure in figures)))
        rest = len(counts.connections) - _SHOWN
        if rest > 0:
            rows.append(((f"and {rest:,} more", "dim"), *[("", "")] * len(_FIGURES)))
        return Fitted(columns, rows)

    def key(self, by: Kind, key: str) -> str:
        """What a group is called, as it may be shown."""
        if by == "sni" and key != NONE:
            return self.name(key)
        if by == "browser":
            said, _, rest = key.partition(":")
            return f"{_BROWSER[said]}{':' if rest else ''}{rest}"
        return key

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
    """What the capture amounts to, in one line; the exit code says the same."""
    parts = [f"{story.failed:,} failed"]
    if story.intercepted:
        parts.append(f"{story.intercepted:,} intercepted")
    if story.broken:
        parts.append(f"{_many(len(story.broken), 'server')} with faults")
    if story.hellos["likely"]:
        parts.append(f"{_many(story.hellos['likely'], 'hello')} not of the browser named")
    count = _many(story.connections, "connection")
    if not story.selection.is_everything:
        count = f"{story.connections:,} of {_many(story.seen, 'connection')}"
    head = f"{_many(story.tally.packets, 'packet')}, {count} with TLS"
    return f"{head}: {', '.join(parts)}"


def heads(whole: SummaryRecord) -> list[str]:
    """When it was, by the capture's own clock, and who answered."""
    found: list[str] = []
    if whole.first is not None and whole.last is not None:
        when = span(whole.first, whole.last)
        found.append(f"{when} by the capture's clock, {_many(whole.servers or 0, 'server')},"
                     f" {_many(whole.clients, 'client')}")  # fmt: skip
    told = [f"{whole.verdicts[name]:,} {name}" for name in VERDICTS if whole.verdicts.get(name)]
    if told:
        found.append(f"who answered: {', '.join(told)}")
    return found


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _plain(made: RenderableType) -> list[str]:
    """The same as lines of bare text."""
    with (console := Console(width=4000, no_color=True)).capture() as written:
        console.print(made)
    return [line.rstrip() for line in written.get().splitlines()]


def _noted(story: CaptureStory) -> list[Text]:
    return [Text(f"note: {line}", style=_NOTED) for line in notes(story)]


def notes(story: CaptureStory, *, json: bool = False) -> list[str]:
    """What was missing."""
    tally = story.tally
    found: list[str] = []
    if story.seen and not story.connections:
        found.append("none of the connections is what was asked for")
    if tally.skipped:
        found.append(f"{tally.skipped:,} bytes of the capture make no sense and were passed over")
    if tally.cut:
        found.append("the capture ends in the middle of a packet")
    if tally.evicted:
        found.append(
            f"{tally.evicted:,} connections were told before their end: too many at once; see --limit"
        )
    if story.broken and json:
        many = _many(len(story.broken), "server")
        found.append(f"{many} with faults that clients of today refuse; --summary names them")
    if tally.fragments_lost:
        found.append(f"{tally.fragments_lost:,} datagrams were never whole")
    if story.left_out:
        found.append(f"{story.left_out:,} connections are of servers beyond the first 4,096")
    return found
