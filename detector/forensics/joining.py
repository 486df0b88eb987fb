"""A log's lines and a capture's connections of the same failures, put together.

Theory of operation
-------------------
A line that names the client's port belongs to the connection from that address and port nearest in time. One
that names the address alone belongs to a failed connection from there, of the same cause if there is one,
within two seconds. What was joined is told once, in both words: the server's reason, and what the packets show.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from detector.forensics.judged import JudgedConnection
from detector.logs.event import Event

_NEAR = 2.0
_NEAR_WITH_PORT = 30.0
MAX_EVENTS = 200_000


class Joined(msgspec.Struct, frozen=True):
    """One failure, seen twice."""

    told: JudgedConnection
    event: Event

    @property
    def agree(self) -> bool:
        """The log and the packets have the same cause."""
        return any(cause.id == self.event.cause for cause in self.told.causes[:1])


class Joiner:
    """Events waiting for their connections.

    Args:
        events: at most MAX_EVENTS are kept.

    """

    def __init__(self, events: Iterable[Event]) -> None:
        self._by_port: dict[tuple[str, int], list[Event]] = {}
        self._by_peer: dict[str, list[Event]] = {}
        self.joined: list[Joined] = []
        self.count = 0
        for event in events:
            if event.peer is None or event.upstream or self.count >= MAX_EVENTS:
                continue
            self.count += 1
            if event.port is not None:
                self._by_port.setdefault((event.peer, event.port), []).append(event)
            else:
                self._by_peer.setdefault(event.peer, []).append(event)

    def join(self, told: JudgedConnection) -> Joined | None:
        """The event that belongs to a connection; each belongs to one."""
        c = told.connection
        with_port = self._by_port.get((c.client, c.client_port), [])
        found = _nearest(with_port, c.first, c.last, _NEAR_WITH_PORT, "")
        waiting = with_port
        if found is None and not c.completed:
            waiting = self._by_peer.get(c.client, [])
            wanted = told.causes[0].id if told.causes else ""
            found = _nearest(waiting, c.first, c.last, _NEAR, wanted)
        if found is None:
            return None
        waiting.remove(found)
        made = Joined(told, found)
        if len(self.joined) < 10_000:
            self.joined.append(made)
        return made

    @property
    def left(self) -> int:
        """Events that no connection belongs to."""
        waiting = (*self._by_port.values(), *self._by_peer.values())
        return sum(len(events) for events in waiting)


def _nearest(
    events: list[Event], first: float, last: float, near: float, cause: str
) -> Event | None:
    """The one of the same cause if there is one, then the nearest in time."""
    best: tuple[bool, float] | None = None
    found = None
    for event in events:
        # Whole seconds are all that many logs have.
        away = 0.0 if event.at is None else max(first - event.at - 1, event.at - last, 0.0)
        rank = (event.cause != cause, away)
        if away <= near and (best is None or rank < best):
            best, found = rank, event
    return found
