"""The collector: from the bus into the database, nothing lost and nothing twice.

Rules
-----
1. A batch is one transaction; it is acknowledged to the bus after its commit. A kill between the two makes the bus
   deliver it again, and what is kept already changes nothing.
2. What is no event never blocks: it is counted by who sent it, said once, and acknowledged with the rest.
3. A database that cannot be used (locked, full, gone) is waited for; the bus keeps what comes meanwhile. It is said
   when it begins and when it is over.
4. A batch is bounded in messages and bytes, and three are in memory at most: one that is written, one that is read,
   one that comes.
5. The connection is the caller's. Where it ends, FetchError is raised; who dials again calls again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from addons.fleet import rows
from addons.fleet.correlated import correlate_now
from addons.fleet.database import FleetDatabase
from addons.fleet.pulling import Pulled, Puller
from addons.fleet.retention import prune
from addons.fleet.taking import Refused, stamp, take
from detector import clock
from detector.agent import subjects
from detector.errors import FetchError, StoreError
from detector.model.harmless import harmless

if TYPE_CHECKING:
    from nats.aio.client import Client

CONSUMER = "collector"
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_MOST_TOLD = 20


class Settings(msgspec.Struct, frozen=True):
    """How much at once, and for how long.

    Attributes:
        batch: events in one transaction.
        size: bytes in one.
        ack_wait: seconds after which the bus delivers again what was not acknowledged.
        keep_days: how long events are kept.
        keep_events: how many at most.
        correlate: seconds between two looks at the whole fleet; 0 for never.
        prune: seconds between two clearances.

    """

    batch: int = 4000
    size: int = 16 << 20
    ack_wait: float = 30.0
    keep_days: int = 90
    keep_events: int = 5_000_000
    correlate: float = 60.0
    prune: float = 600.0


class Counts(msgspec.Struct):
    """What was done since the start; what the bus delivered twice counts twice."""

    events: int = 0
    heartbeats: int = 0
    refused: int = 0


async def collect(
    connection: Client,
    database: FleetDatabase,
    settings: Settings = Settings(),  # noqa: B008 (frozen)
    *,
    canaries: Collection[str] | None = None,
    now: Callable[[], datetime] = clock.now,
    say: Callable[[str], object] = str,
    counts: Counts | None = None,
) -> None:
    """Collect until it is cancelled.

    Args:
        connection: nats-py's, as the keeper (addons.fleet.rights).
        database: an open one.
        settings: see there.
        canaries: hosts that everybody knows to be public; those that are shipped when left out.
        now: the clock.
        say: takes a line for who looks at the console.
        counts: is counted up.

    Raises FetchError where the bus is gone.

    """
    known = _shipped() if canaries is None else canaries
    collector = _Collector(
        database, settings, known, now, say, counts if counts is not None else Counts()
    )
    puller = Puller(connection, subjects.EVENTS, CONSUMER, settings.batch, settings.size)
    await puller.open(settings.ack_wait)
    chores = asyncio.create_task(collector.chores())
    coming = asyncio.create_task(puller.batch())
    keeping: asyncio.Task[None] | None = None

    async def keep(read: _Read, batch: list[Pulled]) -> None:
        await collector.keep(read)
        await puller.acknowledge(batch)

    try:
        while True:
            batch = await coming
            coming = asyncio.create_task(puller.batch())
            read = collector.read(batch)  # while the batch before is written
            if keeping is not None:
                await keeping
            keeping = asyncio.create_task(keep(read, batch))
    finally:
        for task in (coming, chores, keeping):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError, FetchError):
                    await task


def _shipped() -> frozenset[str]:
    from detector.knowledge import shipped

    return frozenset((*shipped.canaries(), *(one.host for one in shipped.canary_hosts())))


class _Read(msgspec.Struct, frozen=True):
    """A batch as rows, and where it ends."""

    taken: list[rows.Kept]
    refused: list[Refused]
    last: Pulled


class _Collector:
    def __init__(
        self,
        database: FleetDatabase,
        settings: Settings,
        canaries: Collection[str],
        now: Callable[[], datetime],
        say: Callable[[str], object],
        counts: Counts,
    ) -> None:
        self.database, self.settings = database, settings
        self.canaries = frozenset(canaries)
        self.now, self.counts = now, counts
        self._say = say
        self._told: Counter[str] = Counter()

    def read(self, batch: list[Pulled]) -> _Read:
        """What a batch holds."""
        keep = timedelta(days=self.settings.keep_days)
        taken: list[rows.Kept] = []
        refused: list[Refused] = []
        for one in batch:
            found = take(one.subject, one.body, one.stored, keep)
            if isinstance(found, Refused):
                refused.append(found)
            else:  # what was decoded goes at once: a hundred objects an event
                taken.append(rows.kept(found, self.canaries))
        return _Read(taken, refused, batch[-1])

    async def keep(self, read: _Read) -> None:
        """Have it on the disk; waits for a database that cannot be used."""
        work = rows.statements(read.taken, read.refused)
        state = {
            "sequence": read.last.sequence,
            "stored": stamp(read.last.stored),
            "behind": read.last.behind,
        }
        work.append((rows.FACT, [("collector", msgspec.json.encode(state).decode())]))
        await self._patiently(lambda: self.database.write(work))
        events = sum(one.event is not None for one in read.taken)
        self.counts.events += events
        self.counts.heartbeats += len(read.taken) - events
        self.counts.refused += len(read.refused)
        for no in read.refused:
            self._tell(no)

    async def _patiently(self, work: Callable[[], Awaitable[None]]) -> None:
        pause = _SHORTEST_PAUSE
        troubled = False
        while True:
            try:
                await work()
            except StoreError as error:
                if not troubled:
                    self._say(f"nothing is kept: {error}; what comes waits on the bus")
                troubled = True
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                if troubled:
                    self._say("the database takes what comes again")
                return

    def _tell(self, no: Refused) -> None:
        """Once for each sender and reason, and for a few of them."""
        key = f"{no.device} {no.why}"
        if key not in self._told and len(self._told) < _MOST_TOLD:
            self._told[key] += 1
            self._say(harmless(f"refused from {no.device or 'nobody'}: {no.why}"))

    async def chores(self) -> None:
        """Look at the whole fleet, and clear away, now and then. What fails is said, and tried again next time."""
        every = [(self._correlate, self.settings.correlate), (self._prune, self.settings.prune)]
        due = [0.0 for _ in every]
        while True:
            for number, (work, seconds) in enumerate(every):
                if seconds and clock.stopwatch() >= due[number]:
                    try:
                        await work()
                    except Exception as error:  # whatever it is, events go on being kept
                        self._say(f"put off: {error or type(error).__name__}")
                    due[number] = clock.stopwatch() + seconds
            await asyncio.sleep(max(min(due) - clock.stopwatch(), 0.05) if any(due) else 60.0)

    async def _correlate(self) -> None:
        await correlate_now(self.database, self.now())

    async def _prune(self) -> None:
        await prune(self.database, self.now(), self.settings.keep_days, self.settings.keep_events)
