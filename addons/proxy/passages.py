"""Connections that pass now: counted while they are open, and cut when their rules no longer let them.

Rules
-----
1. What passed is told to the store while it lasts and when it ends, each byte and each connection once.
2. When rules change, and when the next one ends, every open connection is asked about again. One that would not
   pass now has `bypass_cut` seconds left; it stays where by then a rule lets it pass again.
3. To cut is to end the tasks that read from the client and from the server: mitmproxy closes both.

Theory of operation
-------------------
Everything here runs in mitmproxy's event loop. The keeper's thread only wakes it (`Keeper.changed`), and reads the list
of what is open, which is replaced whole with the beats of the heart. Timers are one for the next end, one for the next
telling, one for that list, and one for each round of cutting; none runs where nothing is open.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import heapq
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from mitmproxy import connection, ctx

from addons.bypass.matcher import Arrival
from addons.bypass.reach import end_moment
from addons.bypass.rule import Rule
from addons.bypass.shown import harmless_logger
from addons.proxy.passing import Counted
from addons.store.heartbeat import EVERY, MAX_PASSING, Passing, PassingNow
from addons.store.keeper import Keeper
from addons.store.traffic import Passage
from detector import clock

log = harmless_logger(__name__)
# Seconds between two tellings. A clock that is set, or a machine that slept, makes an end late by at most _LATEST.
_TOLD_EVERY, _LATEST = 60.0, 600.0


class Open:
    """One connection that passes.

    Attributes:
        asked: what was decided on.
        rule: that let it pass last.
        since: when it began.
        told: bytes up and down, and the time on the stopwatch, when it was told last.

    """

    def __init__(self, client: connection.Client, asked: Arrival, rule: Rule) -> None:
        self.counted = Counted()
        self.client, self.asked, self.rule = client, asked, rule
        self.is_known = self.is_condemned = False
        self.told = (0, 0, clock.stopwatch())
        self.since = datetime.now(UTC)

    @property
    def name(self) -> str:
        return (self.asked.sni or self.asked.host or "").lower()


class Passages:
    """By client connection: what passes.

    Args:
        keeper: has the rules, and is told what passed.
        cut: ends connections.
        now: the clock of rules.
        told_every: seconds between two tellings.

    """

    def __init__(
        self,
        keeper: Keeper,
        cut: Callable[[list[Open]], None] | None = None,
        now: Callable[[], datetime] | None = None,
        told_every: float = _TOLD_EVERY,
    ) -> None:
        self._keeper = keeper
        self._cut = cut or close
        self._now = now or functools.partial(datetime.now, UTC)  # to the moment
        self._every = told_every
        self._open: dict[str, list[Open]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._next_end: asyncio.TimerHandle | None = None
        self._next_telling: asyncio.TimerHandle | None = None
        self._next_list: asyncio.TimerHandle | None = None
        keeper.changed = self._wake

    def begin(self, client: connection.Client, asked: Arrival, rule: Rule) -> Counted:
        """One more connection, from inside the event loop."""
        self._loop = asyncio.get_running_loop()
        one = Open(client, asked, rule)
        self._open.setdefault(client.id, []).append(one)
        if rule.expires is not None:
            self._set_end()
        if self._next_telling is None:
            self._next_telling = self._loop.call_later(self._every, self._tell_open)
        if self._next_list is None:
            self._next_list = self._loop.call_later(0.5, self._list)
        return one.counted

    def end(self, client: str) -> None:
        """The client connection (its id in mitmproxy) is gone."""
        self._tell(self._open.pop(client, ()))
        if not self._open:
            self._stop()

    def close(self) -> None:
        """All of them, where the proxy ends."""
        for client in list(self._open):
            self.end(client)
        self._keeper.changed = lambda: None

    def review(self) -> None:
        """Ask about every open connection again."""
        grace = self._keeper.options.cut
        condemned = [one for one in self._each() if not self._passes(one) and not one.is_condemned]
        self._set_end()
        if grace is None or not condemned or self._loop is None:
            return
        for one in condemned:
            one.is_condemned = True
        self._loop.call_later(grace.total_seconds(), self._execute, condemned)

    def _passes(self, one: Open) -> bool:
        rule = self._keeper.matcher.decide(one.asked, self._now()).rule
        if rule is None or rule.action != "pass":
            return False
        if rule.pattern != one.rule.pattern:
            self._tell([one])  # what went by so far went by the other one
        one.rule = rule
        return True

    def _execute(self, condemned: list[Open]) -> None:
        still_open = set(map(id, self._each()))
        over: list[Open] = []
        for one in condemned:
            one.is_condemned = False
            if id(one) in still_open and not self._passes(one):
                log.info("tlsight: %s is cut: %s lets it pass no more", one.name, one.rule.pattern)
                over.append(one)
        if over and self._keeper.options.cut is not None:
            self._cut(over)

    def _wake(self) -> None:
        """From the keeper's thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the proxy ends, and its loop is closed
                self._loop.call_soon_threadsafe(self.review)

    def _set_end(self) -> None:
        """One timer, for the rule that ends next."""
        if self._next_end is not None:
            self._next_end.cancel()
            self._next_end = None
        now = self._now()
        ends = (end_moment(one.rule) for one in self._each())
        # One that is over already was asked about, and is condemned.
        left = [(end - now).total_seconds() for end in ends if end is not None and end > now]
        if left and self._loop is not None:
            # Not before it: a timer may come a little early.
            delay = min(min(left) + 0.01, _LATEST)
            self._next_end = self._loop.call_later(delay, self.review)

    def _tell_open(self) -> None:
        self._next_telling = None
        self._tell(self._each())
        if self._open and self._loop is not None:
            self._next_telling = self._loop.call_later(self._every, self._tell_open)

    def _list(self) -> None:
        """What is open, for the heart to tell."""
        self._next_list = None
        self._keeper.heart.passing = passing(self._each())
        if self._open and self._loop is not None:
            self._next_list = self._loop.call_later(EVERY, self._list)

    def _tell(self, some: Iterable[Open]) -> None:
        """What passed since they were told last; connections to one host by one rule together."""
        at = self._now()
        found: dict[tuple[str, str], Passage] = {}
        for one in some:
            key = (one.name, one.rule.pattern)
            before = found.get(key)
            up, down, since = one.told
            one.told = (one.counted.up, one.counted.down, clock.stopwatch())
            fresh = Passage(
                at, *key, one.told[0] - up, one.told[1] - down, round(one.told[2] - since, 3),
                connections=0 if one.is_known else 1,
            )  # fmt: skip
            one.is_known = True
            found[key] = fresh if before is None else _sum(before, fresh)
        for passage in found.values():
            self._keeper.put(passage)

    def _each(self) -> list[Open]:
        return [one for several in self._open.values() for one in several]

    def _stop(self) -> None:
        for timer in (self._next_end, self._next_telling, self._next_list):
            if timer is not None:
                timer.cancel()
        self._next_end = self._next_telling = self._next_list = None
        self._keeper.heart.passing = PassingNow()


def passing(some: list[Open]) -> PassingNow:
    """How many pass, and the largest of them."""
    largest = heapq.nlargest(MAX_PASSING, some, key=lambda one: one.counted.up + one.counted.down)
    return PassingNow(
        len(some),
        tuple(
            Passing(
                (one.asked.client or "")[:64], one.name[:255],
                one.rule.pattern[:255], one.since, one.counted.up, one.counted.down,
            )
            for one in largest
        ),
    )  # fmt: skip


def close(some: list[Open]) -> None:
    """End the tasks that read from these clients, and from their servers; mitmproxy then closes the sockets."""
    over = {one.client.id for one in some}
    server = ctx.master.addons.get("proxyserver")  # type: ignore[no-untyped-call]
    for handler in list(server.connections.values()):
        if handler.client.id in over:
            for transport in list(handler.transports.values()):
                if transport.handler is not None:
                    transport.handler.cancel("the bypass rule ended")


def _sum(one: Passage, other: Passage) -> Passage:
    return Passage(
        one.at, one.host, one.rule, one.up + other.up, one.down + other.down,
        one.seconds + other.seconds, one.connections + other.connections,
    )  # fmt: skip
