"""One grading: every bad server visited by the way of the interceptor, then what they met, then its side towards clients.

Theory of operation
-------------------
A visit goes the way that any client's request goes; what the servers met of the interceptor is asked at the good server by
that way too, and past it where it does not let us through and `direct` allows. Nothing is judged here: what was seen is
given back whole (`detector.judging.grade`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import msgspec

from detector.model.echoes import Meeting
from detector.model.grades import GOOD, GRADES_SCHEMA, GradeServers, Seen, TowardsClients, Visit
from detector.net.probe import ProbeOptions
from detector.net.routes import Routing
from detector.net.towards_clients import towards_clients
from detector.net.visit import Visited, visit

# A proxy's answer waits for its own dial, which waits for our server's silence.
_LISTEN = 8.0
_AT_ONCE = 4
# Connections that were begun while an answer was on its way are told a moment later.
_SETTLED = 0.3


@dataclass(frozen=True)
class GradeRun:
    """What to ask, and how.

    Attributes:
        servers: those that `tlsight lab serve --grade` runs.
        options: the way, by the interceptor.
        direct: the servers may be asked past the interceptor for what they met.
        clients: the side towards clients is asked too.
        on: a block for what is waited for, by its name.

    """

    servers: GradeServers
    options: ProbeOptions
    direct: bool = True
    clients: bool = True
    on: Callable[[str], AbstractContextManager[object]] = nullcontext

    async def run(self) -> Seen:
        """Ask everything. Never raises for what a peer does."""
        at = self.options.now()
        options = replace(self.options, listen=_LISTEN, alpn=("http/1.1",))
        visits = [await self._visit(GOOD, options)]
        turns = asyncio.Semaphore(_AT_ONCE)

        async def one(label: str) -> Visit:
            async with turns:
                return await self._visit(label, options)

        labels = [label for label in self.servers.leaves if label != GOOD]
        visits += await asyncio.gather(*map(one, labels))
        towards = await self._towards(visits) if self.clients else None
        await asyncio.sleep(_SETTLED)
        last, met = await self._met(options)
        visits.append(last)
        return Seen(
            schema=GRADES_SCHEMA, at=at, route=_route(self.options), name=self.servers.name,
            leaves=self.servers.leaves, visits=tuple(visits), met=met, towards=towards,
        )  # fmt: skip

    async def _visit(self, label: str, options: ProbeOptions) -> Visit:
        with self.on(self.servers.host(label)):
            found, _ = await visit(self._whom(label), self._to(options))
        return found

    async def _towards(self, visits: list[Visit]) -> TowardsClients | None:
        """At a name that is decrypted: the good one, or else the first bad one with a leaf."""
        shown = [one.server for one in visits if one.chain]
        if not shown:
            return None
        other = next((one for one in shown if one != shown[0]), shown[0])
        hosts = self.servers.host(shown[0]), self.servers.host(other)
        with self.on("its side towards clients"):
            return await towards_clients(*hosts, self.servers.port, self._to(self.options))

    async def _met(self, options: ProbeOptions) -> tuple[Visit, tuple[Meeting, ...]]:
        """The good server once more, and what all of them met; past the interceptor where it has to be."""
        whom = self._whom(GOOD, met=True)
        last, echo = await visit(whom, self._to(options))
        if echo is None and self.direct and self.servers.address:
            past = replace(
                options, routing=Routing(), connect_to=(self.servers.address, self.servers.port)
            )
            _, echo = await visit(whom, past)
        stripped = _without_met(last)
        return stripped, echo.met if echo is not None else ()

    def _whom(self, label: str, *, met: bool = False) -> Visited:
        servers = self.servers
        return Visited(label, servers.host(label), servers.port, servers.key, met=met)

    def _to(self, options: ProbeOptions) -> ProbeOptions:
        """Without a proxy the names need no resolver, where the servers' address is known."""
        straight = options.routing.proxy is None and options.routing.pac is None
        if straight and options.connect_to is None and self.servers.address:
            return replace(options, connect_to=(self.servers.address, self.servers.port))
        return options


def _without_met(one: Visit) -> Visit:
    """The visit without what all servers met, which is kept once."""
    if one.saw is None:
        return one
    return msgspec.structs.replace(one, saw=msgspec.structs.replace(one.saw, met=()))


def _route(options: ProbeOptions) -> str:
    proxy = options.routing.proxy
    if proxy is not None:
        return f"through {proxy.route.proxy}"
    if options.connect_to is not None:
        return f"by {options.connect_to[0]}:{options.connect_to[1]}"
    return "straight"
