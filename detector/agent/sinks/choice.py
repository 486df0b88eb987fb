"""What every sink may be told about which events it gets, and in which form: settings of one name everywhere.

A sink's Settings inherit from Choice; its `open_sink` gives `chosen(settings, sink)`. What is not chosen counts as
delivered: the spool keeps nothing for this sink on its account.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import msgspec

from detector.agent.sinks import RefusedError, Sink
from detector.report.event_json import EventKind, EventRecord, Severity, severity

_GRADES: dict[Severity, int] = {"info": 0, "low": 1, "medium": 2, "high": 3}


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"):
    """Which events.

    Attributes:
        only: of these kinds alone; empty for all.
        least: of this severity at least; a finding that closes counts as it did while it stood.

    """

    only: tuple[EventKind, ...] = ()
    least: Severity = "info"


def chosen(choice: Choice, sink: Sink) -> Sink:
    """The sink as it is where everything is chosen, else one that gets what is."""
    if not choice.only and choice.least == "info":
        return sink
    return _Chosen(choice, sink)


def wanted(choice: Choice, event: EventRecord) -> bool:
    """Whether the event is chosen."""
    if choice.only and event.kind not in choice.only:
        return False
    # Who was told that it opened is told that it closed.
    grade = msgspec.structs.replace(event, kind="changed") if event.kind == "closed" else event
    return _GRADES[severity(grade)] >= _GRADES[choice.least]


class _Chosen:
    def __init__(self, choice: Choice, sink: Sink) -> None:
        self._choice = choice
        self._sink = sink

    async def send(self, events: Sequence[EventRecord]) -> None:
        places = [place for place, one in enumerate(events) if wanted(self._choice, one)]
        if not places:
            return
        try:
            await self._sink.send([events[place] for place in places])
        except RefusedError as error:
            named: list[int] = []
            for place in error.places:
                with suppress(IndexError):
                    named.append(places[place])
            raise RefusedError(error.message, tuple(named)) from None

    async def close(self) -> None:
        await self._sink.close()
