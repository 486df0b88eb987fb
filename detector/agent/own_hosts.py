"""Hosts of the user's own programs among those that a run asks, and the names that other machines are told.

Who sets `hosts-from` once has them in findings that stand and in events that wait; so names are kept back from then on, also
after it is taken out again, until `tell-names` says otherwise.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from detector import clock
from detector.agent.redaction import LOCAL, here, kept_back, redact
from detector.agent.sinks import Sink
from detector.model.observation import Target
from detector.model.targets import socket_text
from detector.report.event_json import EventRecord

if TYPE_CHECKING:
    from detector.agent.canaries import Canaries
    from detector.agent.finding import Held
    from detector.agent.settings import Settings
    from detector.agent.state import AgentState

_FACT, _KEY, TELLS = "hosts-from", "names-key", "tell-names"
_EVERY = timedelta(days=1).total_seconds()


class OwnHosts:
    """What `hosts-from` names, read once a day.

    Args:
        environment: the user's; without HOME there is nobody's.

    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._found: tuple[Target, ...] = ()
        self._read: tuple[float, tuple[str, ...]] | None = None

    async def with_them(self, settings: Settings, state: AgentState) -> Settings:
        """The settings, their own targets first. Raises StoreError."""
        sources: tuple[str, ...] = settings.agent.hosts_from
        home = self._environment.get("HOME", "")
        if not sources or not home.startswith("/") or home == "/":
            return settings
        if state.fact(_FACT) is None:
            state.keep_facts(**{_FACT: "used"})
        _key(state, secrets.token_bytes)
        tells = "yes" if settings.agent.tell_names else "no"
        if state.fact(TELLS) != tells:
            state.keep_facts(**{TELLS: tells})
        at = clock.since_boot()
        if self._read is None or self._read[1] != sources or at - self._read[0] >= _EVERY:
            self._found = await asyncio.to_thread(_read, sources, Path(home), self._environment)
            self._read = (at, sources)
        both = dict.fromkeys((*settings.targets, *self._found))
        return msgspec.structs.replace(settings, targets=tuple(both))


def guarded(
    sink: Sink,
    kind: str,
    settings: Callable[[], Settings],
    canaries: Canaries,
    state: AgentState,
    draw: Callable[[int], bytes],
) -> Sink:
    """The sink as it may hear of a user's hosts; `draw` gives random bytes. Raises StoreError."""
    now = settings()
    if kind in LOCAL or now.agent.tell_names:
        return sink
    if not now.agent.hosts_from and state.fact(_FACT) is None:
        return sink
    return _Guarded(sink, Told(settings, canaries), _key(state, draw), state.findings)


def _key(state: AgentState, draw: Callable[[int], bytes]) -> bytes:
    """Not the salt of networks, which a fleet has, too: it could try names."""
    key = state.fact(_KEY)
    if key is None:
        key = draw(32).hex()
        state.keep_facts(**{_KEY: key})
    return bytes.fromhex(key)


def as_exported(findings: Iterable[Held], facts: Mapping[str, str]) -> tuple[Held, ...]:
    """Findings as a page for others may show them, by what is kept beside them. Who reads the state only does not know
    the settings: no host of a finding is named there.
    """
    if _FACT not in facts or facts.get(TELLS) == "yes":
        return tuple(findings)
    try:
        key = bytes.fromhex(facts.get(_KEY, ""))
    except ValueError:
        key = b""
    if not key:
        return ()
    return tuple(kept_back(one, (), key) for one in findings)


class Told(Container[str]):
    """Names that may be told: those of the settings, and canaries, as they stand when it is asked."""

    def __init__(self, settings: Callable[[], Settings], canaries: Canaries) -> None:
        self._settings = settings
        self._canaries = canaries

    def __contains__(self, host: object) -> bool:
        named = {socket_text(one.host, one.port) for one in self._settings().targets}
        return host in named or any(host == row.host for row in self._canaries.rows())


class _Guarded:
    """A sink that hears no name it may not."""

    def __init__(
        self,
        sink: Sink,
        told: Container[str],
        key: bytes,
        stands: Callable[[], Mapping[str, Held]],
    ) -> None:
        self._sink = sink
        self._told = told
        self._key = key
        self._stands = stands

    async def send(self, events: Sequence[EventRecord]) -> None:
        await self._sink.send([self._as_told(event) for event in events])

    async def close(self) -> None:
        await self._sink.close()

    def _as_told(self, event: EventRecord) -> EventRecord:
        # A fleet that asked of a host knows its name; a sink's is in the settings; a root has none.
        if event.question is not None:
            return event
        beat = event.heartbeat
        if beat is not None and beat.here:
            known = here(beat.here, self._stands(), self._told, self._key)
            return msgspec.structs.replace(
                event, heartbeat=msgspec.structs.replace(beat, here=known)
            )
        if event.finding is not None and event.finding.kind in ("sink", "trust"):
            return event
        return redact(event, self._told, self._key)


def _read(
    sources: tuple[str, ...], home: Path, environment: Mapping[str, str]
) -> tuple[Target, ...]:
    from detector.agent.senses.used_hosts import used_hosts

    return used_hosts(sources, home, environment)
