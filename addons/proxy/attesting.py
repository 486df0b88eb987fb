"""Attempts wait here until the proxy knows whether their names are bound to their addresses.

Rules
-----
1. Hooks never wait, and a look-up that takes too long counts as "nobody could tell". What finds no room here is
   kept all the same, as that.
2. What matters comes first: failures of proven clients, then what else they do and names that were bound before,
   then failures, then the rest. The first two have workers of their own, so that names made up at a slow server
   keep nobody else waiting; every fourth turn goes to the one behind, so that it is not left out.
3. Within each, clients take turns, and one has few places, few look-ups at a time and so many a minute. The
   same goes for a domain's names. Names that were bound before cost a client nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple

from msgspec.structs import replace

from addons.bypass.attempt import Attempt
from addons.bypass.bounded import placed, seated
from addons.bypass.clients import Client, Network, client_of
from detector import clock
from detector.chain.names import as_address, registrable_domain

# Asks whether a name is bound to where a connection went: the name, the name that was asked for (in CONNECT, or by
# the mode), the server's address, the client. None where nobody can tell.
Bound = Callable[[str, str | None, str | None, str], Awaitable[bool | None]]

# Of each half; together fewer than the look-ups that the system's resolver makes at once, for the decision on what
# passes waits for some too.
_WORKERS = 3
_PATIENCE = 5.0
# Waiting in one lane, of one client there, under way of one client or domain, and of one client in a minute.
MAX_WAITING, MAX_OF_CLIENT, MAX_AT_ONCE, MAX_A_MINUTE = 1_000, 50, 2, 120
_MAX_KNOWN, _MAX_CLIENTS = 10_000, 20_000


class _Waiting(NamedTuple):
    attempt: Attempt
    asked: str | None
    client: Client
    domain: str


async def nobody_can_tell(
    _name: str, _asked: str | None, _address: str | None, _client: str
) -> bool | None:
    """Where nothing resolves."""
    return None


class Attesting:
    """`put` takes what was seen, `keep` gets it once it is known whether it was bound."""

    def __init__(self, bound: Bound, keep: Callable[[Attempt], None]) -> None:
        self.devices: tuple[Network, ...] = ()
        self._bound = bound
        self._keep = keep
        self._lanes = [_Lane() for _ in range(4)]
        self._tasks: tuple[set[asyncio.Task[None]], ...] = (set(), set())
        self._under_way: tuple[dict[str, int], ...] = ({}, {})
        self._asking: dict[int, Attempt] = {}
        self._known: dict[str, int] = {}  # how often found bound
        self._asked: dict[str, tuple[float, int]] = {}
        self._turn = 0
        self._closed = False

    def put(self, attempt: Attempt, asked: str | None) -> None:
        """Keep it, some time soon; never waits. `asked`: the name or address that the client asked for."""
        if as_address(attempt.host) is not None:
            where = attempt.address or asked
            self._keep(replace(attempt, bound=None if where is None else where == attempt.host))
            return
        client = client_of(attempt, self.devices)
        known, failed = attempt.host in self._known, attempt.outcome != "accepted"
        if self._closed or not (known or self._may_ask(client)):
            self._keep(attempt)
            return
        first = client.proven or known
        lane = 0 if failed and client.proven else 1 if first else 2 if failed else 3
        waiting = _Waiting(attempt, asked, client, registrable_domain(attempt.host))
        if self._lanes[lane].add(waiting):
            self._start(lane // 2)
        else:
            self._keep(attempt)

    def close(self) -> None:
        """What still waits is kept as it is, at once: nobody listens any more when the tasks come to their end."""
        self._closed = True
        for attempt in self._asking.values():
            self._keep(attempt)
        for tasks in self._tasks:
            for task in tasks:
                task.cancel()
        for lane in self._lanes:
            for one in lane.rest():
                self._keep(one.attempt)

    def _may_ask(self, client: Client) -> bool:
        now = clock.stopwatch()
        since, count = self._asked.get(client.name, (now, 0))
        if now - since >= 60:
            since, count = now, 0
        placed(self._asked, client.name, (since, count + 1), _MAX_CLIENTS)
        return count < MAX_A_MINUTE

    def _start(self, half: int) -> None:
        tasks = self._tasks[half]
        if len(tasks) < _WORKERS:
            task = asyncio.get_running_loop().create_task(self._work(half))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def _work(self, half: int) -> None:
        while True:
            lanes, busy = self._lanes[2 * half : 2 * half + 2], self._under_way[half]
            self._turn += 1
            if self._turn % 4 == 0:
                lanes.reverse()
            one = lanes[0].next(busy) or lanes[1].next(busy)
            if one is None:
                return  # who is under way comes back here
            await self._ask(one, busy)

    async def _ask(self, one: _Waiting, busy: dict[str, int]) -> None:
        attempt, found = one.attempt, None
        self._asking[id(one)] = attempt
        for key in _holders(one):
            busy[key] = busy.get(key, 0) + 1
        try:
            with suppress(TimeoutError, OSError):
                async with asyncio.timeout(_PATIENCE):
                    found = await self._bound(
                        attempt.host, one.asked, attempt.address, one.client.name
                    )
            if found:
                times = self._known.get(attempt.host, 0) + 1
                seated(self._known, attempt.host, times, _MAX_KNOWN, lambda times: times)
        finally:
            for key in _holders(one):
                busy[key] -= 1
                if not busy[key]:
                    del busy[key]
            del self._asking[id(one)]
            if not self._closed:
                self._keep(replace(attempt, bound=found))


class _Lane:
    """Attempts that wait, by client; the clients take turns."""

    def __init__(self) -> None:
        self._by_client: dict[str, deque[_Waiting]] = {}
        self._count = 0

    def add(self, one: _Waiting) -> bool:
        """Put it in the line, where there is room: the second half is for clients that have nothing there."""
        own = self._by_client.get(one.client.name, ())
        if len(own) >= (MAX_OF_CLIENT if self._count < MAX_WAITING // 2 else 1):
            return False
        if self._count >= MAX_WAITING:
            return False
        self._by_client.setdefault(one.client.name, deque()).append(one)
        self._count += 1
        return True

    def next(self, busy: dict[str, int]) -> _Waiting | None:
        """Of the client that has waited longest for its turn, and has few under way, like the domain."""
        for name, line in self._by_client.items():
            if all(busy.get(key, 0) < MAX_AT_ONCE for key in _holders(line[0])):
                one = line.popleft()
                del self._by_client[name]
                if line:
                    self._by_client[name] = line  # behind the others
                self._count -= 1
                return one
        return None

    def rest(self) -> list[_Waiting]:
        """All of them; the lane is empty then."""
        found = [one for line in self._by_client.values() for one in line]
        self._by_client.clear()
        self._count = 0
        return found


def _holders(one: _Waiting) -> tuple[str, str]:
    return f"client {one.client.name}", f"domain {one.domain}"
