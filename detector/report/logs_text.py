"""What logs tell: tables for a person, schema tlsight.logs/1 for a program, one object a group."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import msgspec
from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from detector.forensics.anonymous import Anonymizer
from detector.logs.event import Event
from detector.logs.ledger import Group, Onset
from detector.logs.story import LogStory
from detector.model.harmless import harmless
from detector.report.check_text import escape, marked, stdout_console
from detector.report.logs_json import BlindRecord, LogsRecord, log_records
from detector.report.plotting import clock_text, sparkline

_ROWS = 40
COLUMNS = ("clients", "events", "cause", "complains", "since", "until", "program", "names")


class LogPrinter:
    """Shows failures as they come, and the whole at the end."""

    def __init__(self, *, json: bool, verbose: bool, anonymize: bool) -> None:
        self._json, self._verbose = json, verbose
        self._anonymizer = Anonymizer(os.urandom(32)) if anonymize else None
        self._console = stdout_console()

    def line(self, event: Event) -> None:
        """One failure, while a log is followed."""
        out = sys.stderr if self._json else sys.stdout
        when = clock_text(event.at) if event.at is not None else "-"
        text = f"{when} {event.program} {event.cause} {event.peer or '-'} {event.reason}"
        print(self.shown(harmless(text)), file=out, flush=True)

    def finish(self, story: LogStory) -> None:
        if self._json:
            for record in log_records(story):
                self._object(record)
            sys.stdout.buffer.flush()
            return
        self._console.print(Lines(*self._whole(story)))

    def shown(self, text: str) -> str:
        return self._anonymizer.text(text) if self._anonymizer is not None else text

    def names(self, group: Group, most: int) -> tuple[str, ...]:
        names = [name for name, _ in group.names.most_common(most)]
        if self._anonymizer is not None:
            names = self._anonymizer.value(names, "names")
        return tuple(names)

    def _object(self, record: LogsRecord | BlindRecord) -> None:
        value: object = record
        if self._anonymizer is not None:
            built = msgspec.to_builtins(record)
            if "networks" in built:
                built["networks"] = {
                    self._anonymizer.text(name.partition("/")[0]): count
                    for name, count in built["networks"].items()
                }
            value = self._anonymizer.value(built)
        sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")

    def _whole(self, story: LogStory) -> list[RenderableType]:
        seen = story.seen
        programs = ", ".join(name for name in seen.programs) or "nothing known"
        failures = sum(g.events for g in story.failures)
        noise = sum(g.events for g in story.noise)
        head = f"{seen.lines:,} lines of {programs}: {failures:,} failed handshakes, {noise:,} of noise"
        parts: list[RenderableType] = [Text(head, style="bold")]
        if story.timeline.steps:
            parts.append(sparkline(story.timeline))
        if story.failures:
            parts.append(self._table(story.failures))
        parts += [Text(self.shown(told(onset)), style="yellow") for onset in story.onsets[:5]]
        parts += [Text(self.shown(hint.text), style="bold red") for hint in story.hints]
        if noise:
            parts += [Text("\nscanners and health checks", style="dim")]
            parts.append(self._table(story.noise))
        for spot in story.blind:
            sure = "hidden" if spot.certain else "may be hidden"
            parts.append(
                marked(
                    f"\n[yellow]{sure}[/] ({spot.program}): {escape(spot.text)}\n    {escape(spot.directive)}"
                )
            )
        return parts

    def _table(self, groups: tuple[Group, ...]) -> Table:
        table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
        shown = [c for c in COLUMNS if c != "program" or len({g.program for g in groups}) > 1]
        for column in shown:
            right = column in ("clients", "events")
            table.add_column(
                column, justify="right" if right else "left", no_wrap=column != "names",
                overflow="ellipsis",
            )  # fmt: skip
        for group in groups[:_ROWS]:
            cells = dict(zip(COLUMNS, self.cells(group), strict=True))
            table.add_row(*(cells[column] for column in shown))
            if self._verbose:
                table.add_row("", "", f"[dim]{escape(self.shown(group.sample[:100]))}[/]")
        return table

    def cells(self, group: Group) -> tuple[str, ...]:
        """One row, as COLUMNS has it."""
        more = "≥" if group.many else ""
        return (
            f"{more}{len(group.clients):,}" if group.clients else "?",
            f"{group.events:,}",
            group.cause,
            complains(group),
            clock_text(group.first) if group.first is not None else "",
            clock_text(group.last)[6:] if group.last is not None else "",
            f"{group.program}, upstream" if group.upstream else group.program,
            escape(", ".join(self.names(group, 3))),
        )


def complains(group: Group) -> str:
    """Who said no, with the alert."""
    alert = group.alerts.most_common(1)
    number = f" ({alert[0][0]})" if alert else ""
    return f"{group.complainant or 'nobody'}{number}"


def told(onset: Onset, clock: Callable[[float], str] = clock_text) -> str:
    """One onset as a sentence, its times as `clock` writes them."""
    who = f"{onset.clients:,} client{'s' if onset.clients != 1 else ''}"
    text = f"{onset.cause} from {who} since {clock(onset.since)}"
    if onset.change is None or onset.changed is None:
        return text
    return f"{text}: {onset.change} at {clock(onset.changed)}"
