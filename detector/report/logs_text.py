"""What logs tell: tables for a person, schema tlsight.logs/1 for a program, one object a group."""

from __future__ import annotations

import os
import sys

import msgspec
from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from detector.forensics.anonymous import Anonymizer
from detector.logs.event import Event
from detector.logs.ledger import Group, Onset
from detector.logs.story import LogStory
from detector.model.harmless import harmless
from detector.report.axis import moment, moment_text
from detector.report.check_text import escape, marked, stdout_console
from detector.report.layout import Cell, Column, Fitted
from detector.report.logs_json import BlindRecord, LogsRecord, log_records
from detector.report.moments import WITH_YEAR, form_beside
from detector.report.plotting import sparkline

_ROWS = 40
COLUMNS = ("clients", "events", "cause", "complains", "since", "until", "program", "names")
_FITTED = (
    Column("clients", right=True, kind="figure"), Column("events", right=True, kind="figure"),
    Column("cause", kind="figure"), Column("complains", kind="figure", minor=2),
    Column("since", kind="figure", minor=1), Column("until", kind="figure", minor=3),
    Column("program", kind="figure", minor=1), Column("names", kind="name"),
)  # fmt: skip


class LogPrinter:
    """Shows failures as they come, and the whole at the end."""

    def __init__(self, *, json: bool, verbose: bool, anonymize: bool) -> None:
        self._json, self._verbose = json, verbose
        self._anonymizer = Anonymizer(os.urandom(32)) if anonymize else None
        self._console = stdout_console()

    def line(self, event: Event) -> None:
        """One failure, while a log is followed."""
        out = sys.stderr if self._json else sys.stdout
        when = moment_text(event.at) if event.at is not None else "-"
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

    def _table(self, groups: tuple[Group, ...]) -> Fitted:
        several = len({g.program for g in groups}) > 1
        times = [moment(at) for g in groups[:_ROWS] for at in (g.first, g.last) if at is not None]
        form = form_beside(times, day=True)
        rows: list[tuple[Cell, ...]] = []
        for group in groups[:_ROWS]:
            cells = self.cells(group, form)
            rows.append(
                tuple(
                    (harmless(text) if several or name != "program" else "", "")
                    for name, text in zip(COLUMNS, cells, strict=True)
                )
            )
        samples = {
            number: (harmless(self.shown(group.sample)), "dim")
            for number, group in enumerate(groups[:_ROWS] if self._verbose else ())
        }
        return Fitted(_FITTED, rows, samples)

    def cells(self, group: Group, form: str = WITH_YEAR) -> tuple[str, ...]:
        """One row, as COLUMNS has it, its times in a form for strftime."""
        more = "≥" if group.many else ""
        return (
            f"{more}{len(group.clients):,}" if group.clients else "?",
            f"{group.events:,}",
            group.cause,
            complains(group),
            f"{moment(group.first):{form}}" if group.first is not None else "",
            f"{moment(group.last):{form}}" if group.last is not None else "",
            f"{group.program}, upstream" if group.upstream else group.program,
            ", ".join(self.names(group, 3)),
        )


def complains(group: Group) -> str:
    """Who said no, with the alert."""
    alert = group.alerts.most_common(1)
    number = f" ({alert[0][0]})" if alert else ""
    return f"{group.complainant or 'nobody'}{number}"


def told(onset: Onset) -> str:
    """One onset as a sentence."""
    who = f"{onset.clients:,} client{'s' if onset.clients != 1 else ''}"
    text = f"{onset.cause} from {who} since {moment_text(onset.since)}"
    if onset.change is None or onset.changed is None:
        return text
    return f"{text}: {onset.change} at {moment_text(onset.changed)}"
