"""Events to a fleet, by NATS JetStream: each is acknowledged when the server has it, and known there by its id.

The last heartbeat is put in the bucket of states, too, so that who looks for silent agents reads one value of each.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from detector.agent import subjects
from detector.agent.line import Line, NotYetError, line_of
from detector.agent.sinks import RefusedError, SinkError, Surroundings
from detector.errors import FetchError, TlsightError
from detector.model.observation import Observation, Target
from detector.net.nats_link import DeniedError, Letter, UntrustedError
from detector.report.event_json import EventRecord, encode_event

# What the fleet's stream takes; see addons.fleet.bus.
_LOOK = 10.0


class Settings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"
):
    """Nothing: all is in STATE/fleet.json, which `tlsight agent enrol` made."""


def open_sink(settings: Settings, surroundings: Surroundings) -> NatsSink:  # noqa: ARG001 (a sink's shape)
    """Of the fleet that this agent was enrolled in. Nothing is dialled yet."""
    return NatsSink(surroundings)


class NatsSink:
    """See detector.agent.sinks.Sink."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._line: Line | None = None

    async def send(self, events: Sequence[EventRecord]) -> None:
        """Raises SinkError, RefusedError."""
        self._line = self._line or line_of(self._surroundings.state)
        try:
            device = self._line.member().name
            link = await self._line.get()
            letters, places = _letters(events, device)
            answers = await link.store(letters)
        except NotYetError as error:
            seen = await _seen(error.cause)
            raise SinkError(str(error), after=error.wait, seen=seen) from None
        except DeniedError as error:
            remedy = "tlsight agent enrol TOKEN enrols this agent anew"
            raise SinkError(str(error), after=600.0, remedy=remedy) from None
        except FetchError as error:
            raise SinkError(str(error), seen=await _seen(error)) from None
        except TlsightError as error:
            raise SinkError(str(error)) from None
        refused = [
            (place, one.why)
            for place, one in zip(places, answers, strict=True)
            if one.why and place is not None
        ]
        too_large = [(place, "is too large") for place in range(len(events)) if place not in places]
        for_good = {
            place
            for place, one in zip(places, answers, strict=True)
            if one.for_good and place is not None
        } | {place for place, _ in too_large}
        if any(place not in for_good for place, _ in refused):
            raise SinkError(f"{link.url}: {refused[0][1]}")
        if for_good:
            why = (refused or too_large)[0][1]
            raise RefusedError(f"{link.url}: {why}", tuple(sorted(for_good)))

    async def close(self) -> None:
        """The line is hung up with the agent's lists."""
        if self._line is not None:
            await self._line.close()


def _letters(events: Sequence[EventRecord], device: str) -> tuple[list[Letter], list[int | None]]:
    """What to publish, and of which event each is; None for a state, without which an event still counts as told."""
    letters: list[Letter] = []
    places: list[int | None] = []
    last: bytes | None = None
    for place, event in enumerate(events):
        body = encode_event(event)
        if len(body) > subjects.MAX_EVENT:
            continue
        letters.append(Letter(subjects.event_subject(device), body, event.id))
        places.append(place)
        if event.kind == "heartbeat":
            last = body
    if last is not None:
        letters.append(Letter(subjects.key_subject(subjects.STATE, device), last))
        places.append(None)
    return letters, places


async def _seen(error: FetchError) -> Observation | None:
    """Who stands there, where a certificate did not verify: for the judge."""
    if not isinstance(error, UntrustedError):
        return None
    from detector.net.probe import ProbeOptions, probe

    host, port = error.server
    try:
        return await probe(Target(host, port, sni=host), ProbeOptions(timeout=_LOOK))
    except TlsightError:
        return None
