"""Brings events from the spool to the sinks: at least once, in order, each sink for itself.

Theory of operation
-------------------
One task a sink. It takes what waits in batches, and moves the sink's place on once the sink has returned. A sink that
fails is tried again later and later, with jitter, or when its receiver asked to be (`SinkError.after`); that it fails
is told once, after a while, and once that it works again. One that somebody stands in front of (`SinkError.seen`) is
told at once, with what was seen, because that is what this program is for; its events stay in the spool.

An event that a receiver will never take (`RefusedError`) is passed over, for this sink alone, and told at most once
an hour: the notice goes to the same receiver, which may refuse that too. So is one that a sink of ours breaks on, which
a stranger's certificate may bring about: after a fault events are sent one by one, and one that breaks the sink twice
while the next one goes through is such an event. Where the next one breaks it too it is the sink, and all is kept.

No sink holds up another: each has its own task, its own time-out for a batch, and whatever it raises ends there.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from detector.agent import spool
from detector.agent.sinks import RefusedError, Sink, SinkError
from detector.errors import StoreError
from detector.knowledge.database import Database
from detector.logged import Log
from detector.model.harmless import harmless
from detector.model.observation import Observation
from detector.report.event_json import EventRecord, NoticeCode, NoticeRecord, SinkRecord

_log = Log(__name__)

Tell = Callable[[NoticeRecord, Observation | None], None]
_HOUR = timedelta(hours=1)
_STRANGERS = 16  # chains that were told of, for one sink
_LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Pacing:
    """How much at once, and when again.

    Attributes:
        most, size: events and bytes of one batch.
        timeout: seconds for a batch as a whole.
        first, last: seconds before the second attempt, and at most before any; doubled in between.
        patience: seconds of failing before it is told.
        longest: at most so many seconds of rest are granted to a receiver that asks for it.
        sleep, jitter: time and chance, as values; `jitter` gives 0 to 1.

    """

    most: int = 100
    size: int = 1 << 20
    timeout: float = 60.0
    first: float = 1.0
    last: float = 300.0
    patience: float = 60.0
    longest: float = 3600.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random


class _FaultError(SinkError):
    """A sink raised what no sink raises."""


@dataclass(slots=True)
class _State:
    """One sink's."""

    sink: Sink
    news: asyncio.Event = field(default_factory=asyncio.Event)
    again: asyncio.Event = field(default_factory=asyncio.Event)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    passed: set[int] = field(default_factory=set)
    attempts: int = 0
    failing: float = 0.0
    strangers: set[bytes] = field(default_factory=set)
    refusal_told: datetime | None = None
    refused: int = 0
    careful: bool = False  # one event at a time
    sent: int = 0  # the receiver has all up to this number, and the spool does not know it


class Deliveries:
    """`run()` as a task for as long as the agent lives.

    Args:
        database: the agent's; what is kept there is delivered.
        sinks: by name. The spool is told of them here.
        now: the clock.
        tell: takes a notice, and what was seen of the connection of the sink it is about. It may keep an event.
        pacing: how much at once, and when again.
        standing: gives events of what stands, for a sink that is seen for the first time.

    Raises StoreError.

    """

    def __init__(
        self,
        database: Database,
        sinks: Mapping[str, Sink],
        now: Callable[[], datetime],
        tell: Tell,
        pacing: Pacing | None = None,
        standing: Callable[[], Sequence[EventRecord]] = tuple,
    ) -> None:
        self._database = database
        self._now = now
        self._tell = tell
        self._pacing = pacing or Pacing()
        self._states = {name: _State(sink) for name, sink in sinks.items()}
        spool.configure(database, sinks, standing)

    async def run(self) -> None:
        """Deliver until cancelled; then the sinks are closed. Where the spool cannot be used it is tried again."""
        try:
            async with asyncio.TaskGroup() as group:
                for name, state in self._states.items():
                    group.create_task(self._serve(name, state), name=f"sink {name}")
        finally:
            for state in self._states.values():
                await state.sink.close()

    def wake(self, *, again: bool = False) -> None:
        """Something was kept. With `again` also the sinks that rest after a failure are tried: the network is back."""
        for state in self._states.values():
            state.idle.clear()
            state.news.set()
            if again:
                state.again.set()

    async def drain(self, seconds: float) -> bool:
        """Wait until every sink has everything, at most so long; whether they have. `run` goes on meanwhile."""
        self.wake(again=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for state in self._states.values():
                    await state.idle.wait()
        return all(not spool.waiting(self._database, name) for name in self._states)

    async def past_the_spool(self, events: Sequence[EventRecord]) -> None:
        """Give every sink what could not be kept, once: one that fails does not get it."""
        sinks = [state.sink for state in self._states.values()]
        await asyncio.gather(*(self._send(sink, events) for sink in sinks))

    def state(self) -> tuple[SinkRecord, ...]:
        """How each fares. Raises StoreError."""
        return tuple(
            SinkRecord(
                name,
                spool.waiting(self._database, name),
                spool.trouble(self._database, name)[0],
            )
            for name in self._states
        )

    async def _serve(self, name: str, state: _State) -> None:
        while True:
            try:
                await self._deliver(name, state)
            except StoreError:
                # A full disk, or a lock: what was kept is there, and what was sent is remembered.
                await self._rest(state, self._delay(state))

    async def _deliver(self, name: str, state: _State) -> None:
        """One batch, or the wait for one. Raises StoreError."""
        state.news.clear()
        pacing = self._pacing
        if state.sent:
            spool.delivered(self._database, name, state.sent)
            state.sent = 0
        most = 1 if state.careful else pacing.most
        ready = spool.batch(self._database, name, most, pacing.size, state.passed)
        if not ready.through:
            state.careful = False
            state.idle.set()
            await state.news.wait()
            return
        failure = await self._send(state.sink, ready.events)
        _log.debug(
            "sent", sink=name, events=len(ready.events), failed=failure and harmless(str(failure))
        )
        if isinstance(failure, _FaultError):
            failure = await self._blamed(name, state, ready, failure)
        if failure is None:
            state.sent = ready.through
            state.passed = {number for number in state.passed if number > ready.through}
            self._worked(name, state)
        elif not isinstance(failure, RefusedError) or not self._pass_over(
            name, state, ready, failure
        ):
            await self._rest(state, self._failed(name, state, failure))

    async def _blamed(
        self, name: str, state: _State, ready: spool.Batch, fault: _FaultError
    ) -> SinkError:
        """The event as refused where it is to blame for a fault of the sink, else the fault. Raises StoreError."""
        state.careful = True
        if len(ready.events) > 1:
            return fault
        passed = {*state.passed, *ready.numbers}
        following = spool.batch(self._database, name, 1, self._pacing.size, passed)
        if not following.events or await self._send(state.sink, following.events) is not None:
            return fault
        state.passed.update(following.numbers)  # it has that one
        again = await self._send(state.sink, ready.events)
        return RefusedError(fault.message, (0,)) if isinstance(again, _FaultError) else fault

    async def _send(self, sink: Sink, events: Sequence[EventRecord]) -> SinkError | None:
        """What it failed by."""
        if not events:
            return None
        try:
            async with asyncio.timeout(self._pacing.timeout):
                await sink.send(events)
        except SinkError as error:
            return error
        except TimeoutError:
            return SinkError(f"not delivered within {self._pacing.timeout:g} s")
        except Exception as error:  # a fault of one sink is no reason to lose the others
            return _FaultError(f"{type(error).__name__}: {error}")
        return None

    async def _rest(self, state: _State, seconds: float) -> None:
        """So long, or until the network is back."""
        state.again.clear()
        sleeping = asyncio.ensure_future(self._pacing.sleep(seconds))
        woken = asyncio.ensure_future(state.again.wait())
        try:
            await asyncio.wait((sleeping, woken), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            woken.cancel()

    def _failed(self, name: str, state: _State, error: SinkError) -> float:
        """Seconds until it is tried again. Raises StoreError."""
        text = harmless(str(error))[:_LONGEST_TEXT]
        _, told = spool.trouble(self._database, name)
        if error.seen is not None and self._is_another(state, error.seen):
            self._say("sink-failing", name, f"sink {name} does not deliver: {text}", error.seen)
            state.strangers.add(_who(error.seen))
            told = True
        elif not told and state.failing >= self._pacing.patience:
            self._say("sink-failing", name, f"sink {name} has failed for a while: {text}")
            told = True
        spool.set_trouble(self._database, name, text, self._now().isoformat() if told else None)
        return self._delay(state, error.after)

    def _delay(self, state: _State, after: float | None = None) -> float:
        pacing = self._pacing
        wait = min(pacing.last, pacing.first * 2.0 ** min(state.attempts, 30))
        wait *= 0.5 + pacing.jitter() / 2
        if after is not None:
            wait = max(wait, min(after, pacing.longest))
        state.attempts += 1
        state.failing += wait
        return wait

    def _worked(self, name: str, state: _State) -> None:
        state.attempts = 0
        state.failing = 0.0
        trouble, told = spool.trouble(self._database, name)
        if not trouble and not told:
            return
        spool.set_trouble(self._database, name, "", None)
        state.strangers.clear()
        if told:
            self._say("sink-again", name, f"sink {name} delivers again")

    def _pass_over(self, name: str, state: _State, ready: spool.Batch, error: RefusedError) -> bool:
        """What was refused is left out from now on; what stands before it is delivered. Whether anything was."""
        places = sorted(place for place in error.places if 0 <= place < len(ready.events))
        if not places:
            return False
        refused = [ready.numbers[place] for place in places]
        state.passed.update(refused)
        if places[0] > 0:
            spool.delivered(self._database, name, ready.numbers[places[0] - 1])
        state.refused += len(places)
        now = self._now()
        if all(_is_about(ready.events[place], name) for place in places):
            return True
        if state.refusal_told is not None and timedelta(0) <= now - state.refusal_told < _HOUR:
            return True
        state.refusal_told = now
        ids = ", ".join(ready.events[place].id for place in places[:3])
        why = harmless(str(error))[:_LONGEST_TEXT]
        many = "an event" if state.refused == 1 else f"{state.refused} events"
        self._say("sink-refuses", name, f"sink {name} refuses {many} for good ({ids}): {why}")
        state.refused = 0
        return True

    def _is_another(self, state: _State, seen: Observation) -> bool:
        """Of who ends this chain nobody was told for this sink."""
        return _who(seen) not in state.strangers and len(state.strangers) < _STRANGERS

    def _say(self, code: NoticeCode, name: str, text: str, seen: Observation | None = None) -> None:
        self._tell(NoticeRecord(code, text, about=name), seen)
        self.wake()


def _is_about(event: EventRecord, sink: str) -> bool:
    return event.notice is not None and event.notice.about == sink


def _who(seen: Observation) -> bytes:
    """Who ends its chain."""
    return sha256(seen.chain[-1] if seen.chain else b"").digest()
