"""What a capture told, for a person, and its objects for a program."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from detector.capture.tally import Tally
from detector.forensics.anonymous import Anonymizer
from detector.forensics.joining import Joined, Joiner
from detector.forensics.judged import Teller, Told
from detector.forensics.servers import Server
from detector.known.knowledge import Knowledge
from detector.logs.event import Event
from detector.model.causes import Lines
from detector.model.inquiry import Diagnosis
from detector.model.timeline import Timeline
from detector.report import diagnose_text
from detector.report.check_text import STYLES, escape, stdout_console
from detector.report.pcap_json import SummaryRecord, pcap_record, server_record, socket_text
from detector.report.plotting import sparkline

_SHOWN = 12
_MAX_KEYS = 10_000
_BAD = ("intercepted", "suspect")


class Tallies:
    """Connections by something: name, JA4, cause."""

    def __init__(self) -> None:
        self.connections: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.causes: dict[str, Counter[str]] = {}
        self.clients: dict[str, set[str]] = {}

    def add(self, key: str, told: Told) -> None:
        if key not in self.connections and len(self.connections) >= _MAX_KEYS:
            key = "others"
        self.connections[key] += 1
        who = self.clients.setdefault(key, set())
        if len(who) < 1000:
            who.add(told.connection.client)
        if told.failed:
            self.failed[key] += 1
            self.causes.setdefault(key, Counter())[told.causes[0].id] += 1


class CapturePrinter:
    """Shows connections as they come, and the whole at the end."""

    def __init__(
        self,
        *,
        json: bool,
        connections: bool,
        summary: bool,
        verbose: bool,
        anonymize: bool,
        known: Knowledge,
        lines: Lines,
        events: Sequence[Event],
    ) -> None:
        self.told = self.failed = 0
        self.timeline = Timeline()
        self.verdicts: Counter[str] = Counter()
        self.joiner = Joiner(events)
        self._json, self._connections = json, connections
        self._summary, self._verbose = summary, verbose
        self._known, self._config = known, lines
        self._anonymizer = Anonymizer(os.urandom(32)) if anonymize else None
        self._encode = msgspec.json.Encoder().encode
        self._by: dict[str, Tallies] = {"sni": Tallies(), "ja4": Tallies(), "cause": Tallies()}
        self._diagnosed: list[tuple[Server, Diagnosis | None]] | None = None
        self._console = None if json else stdout_console()

    def show(self, told: Told) -> None:
        """Count one connection, and print it where every one is wanted."""
        self.told += 1
        self.verdicts[told.verdict] += 1
        joined = self.joiner.join(told) if self.joiner.count else None
        if told.failed or told.verdict == "intercepted":
            self.failed += 1
        if told.failed:
            self.timeline.add(told.connection.first, told.causes[0].id)
        if self._summary:
            self._tally(told)
        if self._json and not self._summary:
            self._object(pcap_record(told))
        elif self._console is not None and (self._connections or (self._verbose and told.failed)):
            self._console.print(self._line(told, joined))

    def _tally(self, told: Told) -> None:
        c = told.connection
        self._by["sni"].add(c.sni or "(none)", told)
        if c.hello is not None:
            self._by["ja4"].add(c.hello.ja4, told)
        self._by["cause"].add(told.causes[0].id if told.failed else "(none)", told)

    def finish(self, teller: Teller, tally: Tally) -> None:
        """The servers, the summary, what was missing."""
        if self._json:
            if self._summary:
                for record in self._records(teller):
                    self._object(record)
            for line in notes(tally, teller):
                print(f"tlsight: {line}", file=sys.stderr)
            sys.stdout.buffer.flush()
            return
        assert self._console is not None
        self._console.print(Group(*self._whole(teller, tally)))

    def diagnosed(self, teller: Teller) -> list[tuple[Server, Diagnosis | None]]:
        """Each server with what all its connections say together, the worst first."""
        if self._diagnosed is None:
            servers = sorted(
                teller.servers.by_address.values(), key=lambda s: (-s.failed, -s.connections)
            )
            self._diagnosed = [(s, s.diagnosis(self._known, self._config)) for s in servers[:500]]
        return self._diagnosed

    def _records(self, teller: Teller) -> list[SummaryRecord]:
        found = [server_record(server, made) for server, made in self.diagnosed(teller)]
        for by, tallies in self._by.items():
            found += [
                SummaryRecord(
                    schema="tlsight.pcap-summary/1",
                    by=by,  # type: ignore[arg-type]
                    key=key,
                    connections=count,
                    failed=tallies.failed[key],
                    clients=len(tallies.clients[key]),
                    causes=dict(tallies.causes.get(key, {})),
                )
                for key, count in tallies.connections.most_common()
            ]
        return found

    def _object(self, record: Any) -> None:
        if self._anonymizer is not None:
            record = self._anonymizer.value(msgspec.to_builtins(record))
        sys.stdout.buffer.write(self._encode(record) + b"\n")

    def shown(self, text: str) -> str:
        """A text as it may be shown."""
        return self._anonymizer.text(text) if self._anonymizer is not None else text

    def name(self, text: str) -> str:
        return self._anonymizer.value(text, "sni") if self._anonymizer is not None else text

    def _line(self, told: Told, joined: Joined | None) -> RenderableType:
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
        return Text.from_markup("\n".join(lines))

    def _whole(self, teller: Teller, tally: Tally) -> list[RenderableType]:
        parts: list[RenderableType] = [Text(self._headline(tally), style="bold")]
        if self.timeline.steps:
            parts.append(sparkline(self.timeline))
        diagnosed = self.diagnosed(teller)
        if diagnosed:
            parts.append(self._servers(diagnosed))
        for _, made in [d for d in diagnosed if d[1] is not None and not d[1].healthy][:_SHOWN]:
            assert made is not None
            if self._anonymizer is None:
                parts += [Text(""), diagnose_text.render(made, None if self._verbose else ())]
        if self._summary:
            parts += [self._group(by, tallies) for by, tallies in self._by.items()]
        if self.joiner.count:
            parts.append(self._story())
        parts += [Text(f"note: {line}", style="yellow") for line in notes(tally, teller)]
        return parts

    def _headline(self, tally: Tally) -> str:
        return (
            f"{tally.packets:,} packets, {self.told:,} connections with TLS,"
            f" {self.failed:,} failed or intercepted"
        )

    def _servers(self, diagnosed: list[tuple[Server, Diagnosis | None]]) -> Table:
        table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
        for column in ("server", "name", "connections", "failed", "clients", "verdict", "cause"):
            right = column in ("connections", "failed", "clients")
            table.add_column(column, justify="right" if right else "left")
        for server, made in diagnosed[: 3 * _SHOWN]:
            verdict = made.judgement.verdict if made is not None else "inconclusive"
            causes = [cause.id for cause in made.causes] if made is not None else []
            table.add_row(
                self.shown(socket_text(server.address, server.port)),
                escape(self.name(server.name)) if server.name else "",
                str(server.connections), str(server.failed), str(len(server.clients)),
                f"[{STYLES[verdict]}]{verdict}[/]", ", ".join(causes[:3]),
            )  # fmt: skip
        return table

    def _group(self, by: str, tallies: Tallies) -> Table:
        title = {"sni": "by name", "ja4": "by JA4", "cause": "by cause"}[by]
        table = Table(box=None, header_style="dim", title=title, title_justify="left",
                      title_style="bold", padding=(0, 2, 0, 0))  # fmt: skip
        table.add_column(by)
        for column in ("connections", "failed", "clients"):
            table.add_column(column, justify="right")
        for key, count in tallies.connections.most_common(_SHOWN):
            shown = self.name(key) if by == "sni" and key != "(none)" else key
            table.add_row(
                escape(shown), str(count), str(tallies.failed[key]), str(len(tallies.clients[key]))
            )
        return table

    def _story(self) -> RenderableType:
        joined = self.joiner.joined
        agree = sum(one.agree for one in joined)
        head = (
            f"[bold]log and capture[/]: {len(joined)} of {self.joiner.count} logged failures are in the"
            f" capture, {agree} with the same cause; {self.joiner.left} are not in it"
        )
        lines = [head]
        for one in [j for j in joined if not j.agree][:_SHOWN]:
            cause = one.told.causes[0].id if one.told.causes else "none"
            lines.append(
                f"  {escape(self.shown(one.event.peer or ''))}: the log says {one.event.cause}"
                f" ({escape(self.shown(one.event.reason[:80]))}), the packets say {cause}"
            )
        return Text.from_markup("\n".join(lines))


def notes(tally: Tally, teller: Teller) -> list[str]:
    """What was missing."""
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
    if teller.servers.left_out:
        found.append(
            f"{teller.servers.left_out:,} connections are of servers beyond the first 4,096"
        )
    return found
