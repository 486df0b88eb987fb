"""One grading: every bad server visited by the way of the interceptor, then what they met, then its side towards clients.

Theory of operation
-------------------
A visit goes the way that any client's request goes; what the servers met of the interceptor is asked at the good server by
that way too, and past it where it does not let us through and `direct` allows. Nothing is judged here: what was seen is
given back whole (`detector.judging.grade`).

A visit that is cut at once is made again: HAProxy that generates certificates resets the first connection to every name,
and a browser would try again, too. The whole has a minute: what was not asked by then is not asked, so a proxy that stays silent
costs no more. What the servers met before this run was somebody else's: they are asked for it at once and at the end, and a hello that they
had at once, or that went past the interceptor, is left out. No clock has to be right. Where another grading asks the same
servers meanwhile, which they know by its mark, what they met may be that one's: how many there were is kept with what was seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from secrets import token_hex

import msgspec

from detector.model.echoes import Echo, Meeting
from detector.model.grades import GOOD, GRADES_SCHEMA, GradeServers, Seen, TowardsClients, Visit
from detector.net.probe import ProbeOptions
from detector.net.routes import Routing
from detector.net.towards_clients import towards_clients
from detector.net.visit import Visited, visit

# A proxy's answer waits for its own dial, which waits for our server's silence.
_LISTEN = 8.0
_AT_ONCE = 4
# So often a visit is made again that was cut within so many ms.
_AGAIN, _AT_ONCE_CUT = 2, 500.0
# Connections that were begun while an answer was on its way are told a moment later.
_SETTLED = 0.3


# Seconds for the visits, the side towards clients, and what the servers met: a minute together.
A_MINUTE = (36.0, 12.0, 12.0)


@dataclass(frozen=True)
class GradeRun:
    """What to ask, and how.

    Attributes:
        servers: those that `tlsight lab serve --grade` runs.
        options: the way, by the interceptor.
        direct: the servers may be asked past the interceptor for what they met.
        clients: the side towards clients is asked too.
        within: seconds for the visits, for the side towards clients, and for what the servers met.
        on: a block for what is waited for, by its name.
        mark: by which the servers know this run from another.

    """

    servers: GradeServers
    options: ProbeOptions
    direct: bool = True
    clients: bool = True
    within: tuple[float, float, float] = A_MINUTE
    on: Callable[[str], AbstractContextManager[object]] = nullcontext
    mark: str = field(default_factory=lambda: token_hex(8))

    async def run(self) -> Seen:
        """Ask everything. Never raises for what a peer does."""
        at, course = self.options.now(), _Course()
        options = replace(self.options, listen=_LISTEN, alpn=("http/1.1",))
        visits = course.visits
        to_visit, to_ask, to_meet = self.within
        async with _within(to_visit):
            await self._visit_all(options, course)
        towards = None
        if self.clients:
            async with _within(to_ask):
                towards = await self._towards(visits)
        await asyncio.sleep(_SETTLED)
        met: tuple[Meeting, ...] = ()
        async with _within(to_meet):
            met = await self._met(options, course)
        return Seen(
            others=course.others, schema=GRADES_SCHEMA, at=at, route=_route(self.options), name=self.servers.name,
            leaves=self.servers.leaves, visits=tuple(visits), met=met, towards=towards,
        )  # fmt: skip

    async def _visit_all(self, options: ProbeOptions, course: _Course) -> None:
        """The good server first, so that what a bad one is met with is not the first of all."""
        visits = course.visits
        turns = asyncio.Semaphore(_AT_ONCE)

        async def one(label: str) -> None:
            async with turns:
                with self.on(self.servers.host(label)):
                    found = await self._visit(label, options)
                    visits.append(found)
                    for _ in range(_AGAIN):
                        if found.ended != "cut" or found.ms > _AT_ONCE_CUT:
                            break
                        found = await self._visit(label, options)
                        visits.append(found)

        with self.on(self.servers.host(GOOD)):
            first, echo = await visit(self._whom(GOOD, met=True), self._to(options))
            visits.append(_without_met(first))
            course.begins(echo or await self._past(options, course))
        if first.ended == "cut":
            await one(GOOD)
        labels = [label for label in self.servers.leaves if label != GOOD]
        await asyncio.gather(*map(one, labels))

    async def _visit(self, label: str, options: ProbeOptions) -> Visit:
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

    async def _met(self, options: ProbeOptions, course: _Course) -> tuple[Meeting, ...]:
        """What all servers met: asked at the good one, which is one visit more; past the interceptor where it has to be."""
        last, echo = await visit(self._whom(GOOD, met=True, last=True), self._to(options))
        course.visits.append(_without_met(last))
        if echo is None:
            echo = await self._past(options, course, last=True)
        if echo is not None:
            course.others = max(course.others, echo.others)
        return tuple(filter(course.holds, echo.met)) if echo is not None else ()

    async def _past(
        self, options: ProbeOptions, course: _Course, *, last: bool = False
    ) -> Echo | None:
        """The good server's word by the direct way, where that may be gone."""
        if not (self.direct and self.servers.address):
            return None
        where = self.servers.address, self.servers.port
        past = replace(options, routing=Routing(), connect_to=where)
        _, echo = await visit(self._whom(GOOD, met=True, last=last), past)
        if echo is not None:
            course.foreign.add(echo.flight)
        return echo

    def _whom(self, label: str, *, met: bool = False, last: bool = False) -> Visited:
        servers, run = self.servers, self.mark
        return Visited(label, servers.host(label), servers.port, servers.key, met, run, last)

    def _to(self, options: ProbeOptions) -> ProbeOptions:
        """Without a proxy the names need no resolver, where the servers' address is known."""
        straight = options.routing.proxy is None and options.routing.pac is None
        if straight and options.connect_to is None and self.servers.address:
            return replace(options, connect_to=(self.servers.address, self.servers.port))
        return options


@dataclass
class _Course:
    """What has come of a run so far; `others` are gradings at once, `foreign` are hellos that the servers had before, or that went past the interceptor."""

    visits: list[Visit] = field(default_factory=list)
    foreign: set[bytes] = field(default_factory=set)
    others: int = 0

    def begins(self, echo: Echo | None) -> None:
        if echo is not None:
            self.foreign |= {one.flight for one in echo.met}
            self.others = echo.others

    def holds(self, one: Meeting) -> bool:
        return one.flight not in self.foreign


@asynccontextmanager
async def _within(seconds: float) -> AsyncGenerator[None]:
    """Give up after that long; what was seen by then is kept."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            yield


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
