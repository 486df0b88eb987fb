"""Every hello of the plan to one server, side by side, and again where that alone may have made it fail.

Theory of operation
-------------------
Eight hellos are out at a time, all of them once a slow server has shown that it answers several at once: three
answers that took about as long. A trial that is about to be held against somebody (it failed without a word where
a neighbour was answered) is made again first, three at a time, and a third time alone where it was cut: a lost
packet or a busy server is no cause.

A server may take one connection after the other. Silence in such a queue says nothing about the hello. It shows in
answers that took longer and longer or a good part of the time there is, or in none where the handshake was done: then no more are sent at once, and
what met silence or was not sent is asked alone, the most telling first, until most of the target's time is
gone. That begins with the plain hello, since the queue may still be full of those that were given up; what was not
asked alone is left out as not known.

Where every hello is cut without a word, one is sent behind a PROXY header: that is how a server behaves that waits
for its load balancer's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from detector import clock
from detector.causes.plan import BEHIND_HEADER, CHANGES, plan, with_name
from detector.chain.names import as_address
from detector.model.inquiry import Trial
from detector.model.observation import Target
from detector.net.budget import TIMES
from detector.net.probe import ProbeOptions, speaks_http
from detector.net.trial import Keys, Patience, attempt
from detector.wire.offer import Offer

_AT_ONCE, _AGAIN_AT_ONCE = 8, 3
_SLOW = 0.25  # seconds to the first byte
_SAME, _QUEUED = 1.3, 1.6  # times as long: about the same, or in a queue
_LATE = 0.25  # of the time that an answer may take
_ENOUGH_ANSWERS = 3
_CUT = ("reset", "closed")
_AGAIN = ("reset", "closed", "silent", "unreachable")
# The most telling first.
_TELLING = tuple(dict.fromkeys(name for change in CHANGES for name in (change.base, change.offer)))
# The header of somebody who does not say for whom (HAProxy's proxy-protocol.txt, section 2.1).
_HEADER = b"PROXY UNKNOWN\r\n"


async def try_all(
    target: Target,
    options: ProbeOptions,
    found: dict[str, Trial],
    shaken: Callable[[], bool] = lambda: False,
) -> bool:
    """Every hello of the plan; what is known of it goes into `found` as it comes.

    Args:
        target: whom to ask.
        options: how to dial.
        found: where to put trials by their offer's id.
        shaken: whether a full handshake with the same server was done meanwhile.

    Returns whether all was asked that had to be.

    """
    alpn = ("h2", "http/1.1") if speaks_http(target) else ()
    offers = plan(target.sni, alpn)
    if target.sni is None and as_address(target.host) is None:
        offers = {**offers, "with-sni": with_name(offers, target.host)}
    asking = _Asking(target, options, offers, found)
    try:
        await asking.side_by_side()
        if asking.queued(done=shaken()):
            return await asking.alone()
        await asking.confirm()
        await asking.behind_header()
    finally:
        _in_order(found, offers)
    return True


class _Asking:
    """The trials with one server."""

    def __init__(
        self,
        target: Target,
        options: ProbeOptions,
        offers: Mapping[str, Offer],
        found: dict[str, Trial],
    ) -> None:
        self._target, self._options = target, options
        self._offers, self._found = offers, found
        self._patience, self._keys = Patience(options.timeout), Keys()
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._firsts: list[float] = []
        self._in_a_row = False
        self._until = clock.stopwatch() + options.timeout * (TIMES - 1)

    async def side_by_side(self) -> None:
        """All of them."""

        async def one(name: str) -> None:
            async with self._turns:
                if not self._patience.exhausted and not self._in_a_row:
                    made = self._found[name] = await self._ask(name)
                    self._pace(made)

        await asyncio.gather(*map(one, self._offers))

    def queued(self, *, done: bool) -> bool:
        """Whether this looks like a server that takes one connection after the other."""
        if self._in_a_row:
            return True
        if not any(trial.outcome == "silent" for trial in self._found.values()):
            return False
        if not self._firsts:
            return done
        slowest = max(self._firsts)
        return self._late() or (slowest > _SLOW and slowest > _QUEUED * min(self._firsts))

    def _late(self) -> bool:
        """Answers take so long that silence may be one that came too late."""
        return bool(self._firsts) and max(self._firsts) > _LATE * self._options.timeout

    async def alone(self) -> bool:
        """Whatever met silence in company, one after the other; False where the time does not suffice."""
        for name in [name for name, trial in self._found.items() if trial.outcome == "silent"]:
            del self._found[name]
        left = sorted((name for name in self._offers if name not in self._found), key=_importance)
        made = await self._ask("plain")
        if made.outcome == "silent":
            made = await self._ask("plain")
        if made.outcome == "silent":
            return False  # nothing can be asked alone as long as that is so
        self._found["plain"] = made
        slow = made.ms[0] / 1000 > _LATE * self._options.timeout
        for name in left:
            if name == "plain":
                continue
            for _ in range(2 if slow else 1):
                if clock.stopwatch() >= self._until:
                    return False
                made = await self._ask(name)
                if made.outcome != "silent":
                    break
            self._found[name] = made
        return True

    async def confirm(self) -> None:
        """Trials that failed without a word where a neighbour was answered, made again.

        What a second try mends may make a neighbour doubtful that was not before, so this goes on until there
        is none left.
        """
        made = dict.fromkeys(self._found, 1)
        several, one_alone = asyncio.Semaphore(_AGAIN_AT_ONCE), asyncio.Semaphore(1)

        async def one(name: str) -> Trial:
            made[name] += 1
            # A server may mind many connections at once.
            async with one_alone if made[name] > 2 else several:
                return await self._ask(name)

        while doubtful := [n for n in _doubtful(self._found) if made[n] < _tries(self._found[n])]:
            again = await asyncio.gather(*map(one, doubtful))
            self._found.update({trial.offer: trial for trial in again})

    async def behind_header(self) -> None:
        """The plain hello behind a PROXY header, where every hello was cut without a word."""
        if self._found and all(trial.outcome in _CUT for trial in self._found.values()):
            offer = self._offers["plain"]
            made = await attempt(
                BEHIND_HEADER,
                offer,
                self._target,
                self._options,
                self._patience,
                self._keys,
                _HEADER,
            )
            if made.answered:
                self._found[BEHIND_HEADER] = made

    async def _ask(self, name: str) -> Trial:
        offer = self._offers[name]
        return await attempt(name, offer, self._target, self._options, self._patience, self._keys)

    def _pace(self, made: Trial) -> None:
        """Once several slow answers took about as long as each other, nobody has to wait for a turn; where they
        took longer and longer, nobody else is sent in company.
        """
        if made.outcome == "silent" and self._late():
            self._in_a_row = True
        if not made.ms[0]:
            return
        self._firsts.append(made.ms[0] / 1000)
        quickest, slowest = min(self._firsts), max(self._firsts)
        if len(self._firsts) != _ENOUGH_ANSWERS or quickest < _SLOW:
            return
        self._in_a_row = self._in_a_row or slowest > _QUEUED * quickest
        if slowest < _SAME * quickest:
            for _ in range(len(self._offers)):
                self._turns.release()


def _importance(name: str) -> int:
    return _TELLING.index(name) if name in _TELLING else len(_TELLING)


def _in_order(found: dict[str, Trial], offers: Mapping[str, Offer]) -> None:
    """As they are planned, not as they happened to end: rules take the first that fits."""
    for name in offers:
        if name in found:
            found[name] = found.pop(name)


def _doubtful(found: Mapping[str, Trial]) -> list[str]:
    """Trials that failed without a word, and have a neighbour that was answered."""
    return sorted(
        {
            name
            for change in CHANGES
            for name, other in ((change.offer, change.base), (change.base, change.offer))
            if name in found
            and other in found
            and found[name].outcome in _AGAIN
            and found[other].answered
        }
    )


def _tries(trial: Trial) -> int:
    """Silence costs its time, what is cut is cheap to ask a third time."""
    return 3 if trial.outcome in _CUT else 2
