"""Where events go: one file a kind of sink.

A kind is a module with

    class Settings(Choice, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"): its table in [[sink]];
        Choice (detector.agent.sinks.choice) has what every sink may be told
    def open_sink(settings: Settings, surroundings: Surroundings) -> Sink

The modules are imported when a sink of their kind is in the settings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec

from detector.errors import TlsightError
from detector.model.observation import Observation
from detector.report.event_json import EventRecord

# One a line; each names its module.
KINDS = {
    "file": "detector.agent.sinks.file",
    "stdout": "detector.agent.sinks.stdout",
    "syslog": "detector.agent.sinks.syslog",
    "journald": "detector.agent.sinks.journald",
    "http": "detector.agent.sinks.http",
    "otlp": "detector.agent.sinks.otlp",
    "nats": "detector.agent.sinks.nats",
    "textfile": "detector.agent.sinks.textfile",
    "desktop": "detector.agent.sinks.desktop",
}


class SinkError(TlsightError):
    """Nothing of a batch was taken; it is tried again, later and later.

    Attributes:
        after: seconds that the receiver asked to wait; None where it said nothing.
        seen: what was seen of its connection, where it did not verify: the judge says who stands in it.

    """

    code = "sink"

    def __init__(
        self,
        message: str,
        *,
        after: float | None = None,
        seen: Observation | None = None,
        remedy: str = "",
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.after = after
        self.seen = seen


class RefusedError(SinkError):
    """The receiver will never take the events with these places in the batch; those before them it has."""

    code = "sink-refuses"

    def __init__(self, message: str, places: tuple[int, ...]) -> None:
        super().__init__(message)
        self.places = places


class Sink(Protocol):
    """An open one. Used by one task at a time."""

    async def send(self, events: Sequence[EventRecord]) -> None:
        """Deliver all, in order; returns when the receiver has them for good, so far as it can say. May have delivered
        some where it raises SinkError: they come again with the same ids. Ends within the delivery's time-out.
        """

    async def close(self) -> None:
        """Put away what is held; never raises."""


def _nobody(seen: Observation) -> str | None:  # noqa: ARG001
    return None


class Surroundings(msgspec.Struct, frozen=True):
    """What a sink may use of the agent.

    Attributes:
        device: the agent's id.
        state: the agent's folder, of its own user alone.
        now: the clock.
        say: takes one line for who looks at the console.
        look: judges a sink's own connection that verified, tells what it finds, and gives who stands in it;
            None where nobody is known to, or one that the policy sanctions there.
        proxy: agent.proxy, for sinks that speak HTTP and have none of their own; "none" goes straight.

    """

    device: str
    state: Path
    now: Callable[[], datetime]
    say: Callable[[str], None]
    look: Callable[[Observation], str | None] = _nobody
    proxy: str | None = None
