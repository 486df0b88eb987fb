"""Who holds a connection, and for how long: half a request costs its sender more than it costs the page.

Theory of operation
-------------------
A server that counts connections and answers 503 from some number on is closed to all by whoever opens so many
and says nothing. Here connections are counted when they are accepted, before TLS and HTTP. One that is waited for
(a handshake, the head or the body of a request, the next request) ends after SECONDS; where an address or the page
has as many as it may have, the one that is waited for the longest makes room. So somebody with a whole request
always gets in, and a flood displaces itself. Only connections that are being answered are never ended.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Any

import uvicorn

from addons.review.guesses import address_of

PER_ADDRESS, TOTAL, SECONDS = 32, 200, 10.0
Peer = tuple[str, int]


class Admission:
    """The table of connections, the one waited for the longest first.

    Args:
        stopwatch: monotonic seconds.
        through: whether many people come through an address: a reverse proxy's has no number of its own.

    """

    def __init__(
        self, stopwatch: Callable[[], float], through: Callable[[str], bool] | None = None
    ) -> None:
        self._now = stopwatch
        self._through = through or (lambda _: False)
        self._waiting: dict[Peer, tuple[float, Guest]] = {}
        self._busy: dict[Peer, Guest] = {}

    def __len__(self) -> int:
        return len(self._waiting) + len(self._busy)

    def admit(self, peer: Peer, guest: Guest) -> bool:
        """Whether there is room, which may have been made."""
        mine = address_of(peer[0])
        every = [*self._waiting, *self._busy]
        crowded = (
            not self._through(peer[0])
            and sum(address_of(host) == mine for host, _ in every) >= PER_ADDRESS
        )
        if (crowded or len(every) >= TOTAL) and not self._make_room(mine if crowded else None):
            return False
        self._waiting[peer] = (self._now(), guest)
        return True

    def begun(self, peer: Peer) -> None:
        """The whole request is here."""
        found = self._waiting.pop(peer, None)
        if found is not None:
            self._busy[peer] = found[1]

    def ended(self, peer: Peer) -> None:
        """It is answered: the next one is waited for."""
        guest = self._busy.pop(peer, None) or self._waiting.pop(peer, (0.0, None))[1]
        if guest is not None:
            self._waiting[peer] = (self._now(), guest)

    def sweep(self) -> None:
        """End what was waited for too long."""
        late = self._now() - SECONDS
        for peer, (since, guest) in list(self._waiting.items()):
            if since > late:
                break
            self._end(peer, guest)

    def left(self, peer: Peer, guest: Guest) -> None:
        """The connection is closed."""
        if self._busy.get(peer) is guest:
            del self._busy[peer]
        elif peer in self._waiting and self._waiting[peer][1] is guest:
            del self._waiting[peer]

    def _make_room(self, address: str | None) -> bool:
        for peer, (_, guest) in self._waiting.items():
            if address is None or address_of(peer[0]) == address:
                self._end(peer, guest)
                return True
        return False

    def _end(self, peer: Peer, guest: Guest) -> None:
        """The loop sees the end of the stream, and closes it in its own time."""
        del self._waiting[peer]
        with contextlib.suppress(OSError):
            guest.shutdown(socket.SHUT_RDWR)


class Guest(socket.socket):
    """One connection; it is in the table until it is closed."""

    __slots__ = ("admission", "peer")
    admission: Admission | None
    peer: Peer

    def close(self) -> None:
        super().close()
        admission, self.admission = getattr(self, "admission", None), None
        if admission is not None:
            admission.left(self.peer, self)


class Door(socket.socket):
    """A listening socket that lets in whom the table has room for."""

    __slots__ = ("admission",)
    admission: Admission

    def accept(self) -> tuple[socket.socket, Any]:
        """Raises ConnectionAbortedError for one that finds no room, which asyncio takes for one that left."""
        taken, address = super().accept()
        guest = Guest(taken.family, taken.type, taken.proto, fileno=taken.detach())
        guest.peer, guest.admission = (address[0], address[1]), self.admission
        if self.admission.admit(guest.peer, guest):
            return guest, address
        guest.close()
        raise ConnectionAbortedError


class Server(uvicorn.Server):
    """Uvicorn's, which looks at the table ten times a second."""

    admission: Admission

    async def on_tick(self, counter: int) -> bool:
        self.admission.sweep()
        return await super().on_tick(counter)
