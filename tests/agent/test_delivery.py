"""From the spool to the sinks, with a clock that runs as fast as it is asked."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from detector.agent import spool
from detector.agent.delivery import Deliveries, Pacing
from detector.agent.sinks import RefusedError, Sink, SinkError
from detector.agent.store import open_store
from detector.knowledge.database import Database
from detector.model.observation import Observation, Target
from detector.report.event_json import EventRecord, NoticeRecord, decode_event
from tests.agent.sample_events import NOON, finding, heartbeat, notice


class Clock:
    """Sleeps take no time, and are remembered; what is due meanwhile happens."""

    def __init__(self) -> None:
        self.now = NOON
        self.slept: list[float] = []
        self.due: list[tuple[datetime, Callable[[], None]]] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)
        for when, act in list(self.due):
            if when <= self.now:
                self.due.remove((when, act))
                act()
        await asyncio.sleep(0)


class Receiver:
    """Takes events while it is up, and remembers all that it ever saw."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.batches: list[int] = []
        self.error: Exception | None = None
        self.poison: set[int] = set()
        self.hangs = False
        self.breaks_on: set[int] = set()
        self.closed = False

    async def send(self, events: Sequence[EventRecord]) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        numbers = [int(event.id, 16) for event in events]
        if self.breaks_on & set(numbers):
            raise UnicodeEncodeError("utf-8", "x", 0, 1, "what a stranger wrote")
        self.batches.append(len(numbers))
        for place, number in enumerate(numbers):
            if number in self.poison:
                raise RefusedError("no such field", (place,))
            self.seen.append(number)

    async def close(self) -> None:
        self.closed = True


class World:
    """A spool, its sinks and what was told."""

    def __init__(self, store: Database) -> None:
        self.store = store
        self.clock = Clock()
        self.told: list[tuple[str, str]] = []
        self.seen: list[Observation | None] = []
        self.texts: list[str] = []
        self.deliveries: Deliveries | None = None

    def keep(self, *events: EventRecord) -> None:
        with self.store.db:
            spool.keep(self.store, events)
        if self.deliveries is not None:
            self.deliveries.wake()

    def tell(self, record: NoticeRecord, seen: Observation | None) -> None:
        self.told.append((record.code, record.about))
        self.texts.append(record.text)
        self.seen.append(seen)
        self.keep(notice(1000 + len(self.told), record.code, record.about))

    def open(self, *, timeout: float = 60.0, **sinks: Sink) -> Deliveries:
        pacing = Pacing(sleep=self.clock.sleep, jitter=lambda: 1.0, timeout=timeout)
        self.deliveries = Deliveries(self.store, sinks, lambda: self.clock.now, self.tell, pacing)
        return self.deliveries


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    store = open_store(tmp_path / "agent.sqlite3")
    yield World(store)
    store.close()


def run(deliveries: Deliveries, work: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        task = asyncio.create_task(deliveries.run())
        try:
            await work()
        finally:
            task.cancel()
            await asyncio.wait((task,))
            assert task.cancelled()

    asyncio.run(main())


async def settled(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0)


def test_events_come_in_order_and_sinks_are_closed_at_the_end(world: World) -> None:
    receiver = Receiver()
    deliveries = world.open(a=receiver)
    world.keep(finding(1), heartbeat(2))

    async def work() -> None:
        await settled(lambda: receiver.seen == [1, 2])
        world.keep(finding(3))
        assert await deliveries.drain(5)

    run(deliveries, work)
    assert receiver.seen == [1, 2, 3]
    assert receiver.closed
    assert world.told == []


def test_an_hours_outage_loses_nothing_and_is_told_once_at_each_end(world: World) -> None:
    receiver, other = Receiver(), Receiver()
    receiver.error = SinkError("connection refused")
    deliveries = world.open(a=receiver, b=other)
    world.keep(*[finding(n) for n in range(1, 250)])
    world.clock.due.append((NOON + timedelta(hours=1), lambda: setattr(receiver, "error", None)))

    async def work() -> None:
        await settled(lambda: receiver.seen[-1:] == [1002])

    run(deliveries, work)
    assert receiver.seen == [*range(1, 250), 1001, 1002]
    assert other.seen == [*range(1, 250), 1001, 1002]
    assert world.told == [("sink-failing", "a"), ("sink-again", "a")]
    assert "connection refused" in world.texts[0]
    assert world.clock.slept[:5] == [1, 2, 4, 8, 16]
    assert max(world.clock.slept) == 300
    assert max(receiver.batches) == 100
    assert deliveries.state()[0].trouble == ""


def test_a_short_failure_is_told_to_nobody(world: World) -> None:
    receiver = Receiver()
    receiver.error = SinkError("reset")
    deliveries = world.open(a=receiver)
    world.keep(finding(1))
    world.clock.due.append((NOON + timedelta(seconds=20), lambda: setattr(receiver, "error", None)))
    run(deliveries, lambda: settled(lambda: receiver.seen == [1]))
    assert world.told == []


def test_a_receiver_that_asks_for_rest_has_it_within_bounds(world: World) -> None:
    receiver = Receiver()
    receiver.error = SinkError("429", after=120)
    deliveries = world.open(a=receiver)
    world.keep(finding(1))

    async def work() -> None:
        await settled(lambda: len(world.clock.slept) >= 1)
        receiver.error = SinkError("429", after=1e9)
        await settled(lambda: len(world.clock.slept) >= 3)

    run(deliveries, work)
    assert world.clock.slept[0] == 120
    assert world.clock.slept[2] == 3600


def test_a_sink_that_never_returns_holds_up_no_other_and_is_timed_out(world: World) -> None:
    stuck, well = Receiver(), Receiver()
    stuck.hangs = True
    deliveries = world.open(timeout=0.02, a=stuck, b=well)
    world.keep(finding(1))

    async def work() -> None:
        await settled(lambda: well.seen == [1])
        await settled(lambda: "not delivered within" in deliveries.state()[0].trouble)

    run(deliveries, work)
    assert [(one.name, one.waiting) for one in deliveries.state()] == [("a", 1), ("b", 0)]


def test_whatever_a_sink_raises_ends_at_that_sink(world: World) -> None:
    broken, well = Receiver(), Receiver()
    broken.error = KeyError("oops")
    deliveries = world.open(a=broken, b=well)
    world.keep(finding(1))

    async def work() -> None:
        await settled(lambda: well.seen == [1])
        await settled(lambda: "KeyError" in deliveries.state()[0].trouble)
        broken.error = None
        await settled(lambda: broken.seen == [1])

    run(deliveries, work)


def test_a_poison_event_is_passed_over_by_this_sink_alone_and_told_once_an_hour(
    world: World,
) -> None:
    picky, other = Receiver(), Receiver()
    picky.poison = {3, 5, 1001}
    deliveries = world.open(a=picky, b=other)
    world.keep(*[finding(n) for n in range(1, 8)])
    run(deliveries, lambda: settled(lambda: other.seen[-1:] == [1001] and 7 in picky.seen))
    assert sorted(set(picky.seen)) == [1, 2, 4, 6, 7]
    assert set(other.seen) == {*range(1, 8), 1001}
    assert world.told == [("sink-refuses", "a")]
    assert f"{3:032x}" in world.texts[0]
    assert deliveries.state()[0].waiting == 0


def test_an_event_that_breaks_a_sink_of_ours_is_passed_over_and_no_other_is_lost(
    world: World,
) -> None:
    broken, other = Receiver(), Receiver()
    broken.breaks_on = {3}
    deliveries = world.open(a=broken, b=other)
    world.keep(*[finding(n) for n in range(1, 8)])
    run(deliveries, lambda: settled(lambda: broken.seen[-1:] == [1001] == other.seen[-1:]))
    assert broken.seen == [1, 2, 4, 5, 6, 7, 1001]
    assert world.told == [("sink-refuses", "a")]
    assert deliveries.state()[0].waiting == 0


def test_a_sink_that_breaks_on_everything_loses_nothing(world: World) -> None:
    broken = Receiver()
    broken.error = KeyError("always")
    deliveries = world.open(a=broken)
    world.keep(*[finding(n) for n in range(1, 8)])

    async def work() -> None:
        await settled(lambda: len(world.clock.slept) > 12)
        broken.error = None
        await settled(lambda: broken.seen[-1:] == [1002])

    run(deliveries, work)
    assert broken.seen == [*range(1, 8), 1001, 1002]
    assert world.told == [("sink-failing", "a"), ("sink-again", "a")]


def test_a_refusal_that_names_no_event_is_a_failure(world: World) -> None:
    receiver = Receiver()
    receiver.error = RefusedError("nothing", ())
    deliveries = world.open(a=receiver)
    world.keep(finding(1))

    async def work() -> None:
        await settled(lambda: len(world.clock.slept) > 3)
        receiver.error = None
        await settled(lambda: receiver.seen == [1])

    run(deliveries, work)


def test_who_stands_before_a_sink_is_told_at_once_with_what_was_seen_and_once_each(
    world: World,
) -> None:
    seen = Observation(NOON, Target("sink.example"), chain=(b"leaf", b"gateway"))
    other = Observation(NOON, Target("sink.example"), chain=(b"leaf", b"another"))
    receiver, well = Receiver(), Receiver()
    receiver.error = SinkError("its certificate is not trusted", seen=seen)
    deliveries = world.open(a=receiver, b=well)
    world.keep(finding(1))

    async def work() -> None:
        await settled(lambda: len(world.clock.slept) > 4)
        receiver.error = SinkError("its certificate is not trusted", seen=other)
        await settled(lambda: len(world.told) == 2)
        receiver.error = None
        await settled(lambda: receiver.seen[-1:] == [1003] and well.seen[-1:] == [1003])

    run(deliveries, work)
    assert world.told == [("sink-failing", "a")] * 2 + [("sink-again", "a")]
    assert world.seen == [seen, other, None]
    assert receiver.seen == [1, 1001, 1002, 1003]


def test_a_failure_that_was_told_is_not_told_again_after_a_restart(world: World) -> None:
    receiver = Receiver()
    receiver.error = SinkError("down")
    world.keep(finding(1))
    spool.configure(world.store, [])
    for _ in range(2):
        deliveries = world.open(a=receiver)
        world.keep(finding(2))
        world.clock.slept.clear()
        run(deliveries, lambda: settled(lambda: len(world.clock.slept) > 12))
    assert world.told == [("sink-failing", "a")]


def test_the_network_that_is_back_ends_a_rest(world: World) -> None:
    receiver = Receiver()
    receiver.error = SinkError("down")
    deliveries = world.open(a=receiver)

    async def forever(seconds: float) -> None:
        world.clock.slept.append(seconds)
        await asyncio.Event().wait()

    deliveries._pacing = Pacing(sleep=forever, jitter=lambda: 0.0)
    world.keep(finding(1))

    async def work() -> None:
        await settled(lambda: bool(world.clock.slept))
        receiver.error = None
        world.deliveries.wake()
        await asyncio.sleep(0.01)
        assert receiver.seen == []
        world.deliveries.wake(again=True)
        await settled(lambda: receiver.seen == [1])

    run(deliveries, work)
    assert world.clock.slept == [0.5]


def test_a_spool_that_cannot_be_written_ends_no_delivery_and_sends_nothing_twice(
    world: World,
) -> None:
    receiver = Receiver()
    deliveries = world.open(a=receiver)
    world.keep(finding(1))
    world.store.db.execute("PRAGMA query_only = ON")  # as a full disk has it

    async def work() -> None:
        await settled(lambda: len(world.clock.slept) > 3)
        assert receiver.seen == [1]
        world.store.db.execute("PRAGMA query_only = OFF")
        await settled(lambda: deliveries.state()[0].waiting == 0)

    run(deliveries, work)
    assert receiver.seen == [1]


def test_a_drain_says_when_something_is_left(world: World) -> None:
    receiver = Receiver()
    receiver.error = SinkError("down")
    deliveries = world.open(a=receiver)
    world.keep(finding(1))
    left: list[bool] = []

    async def work() -> None:
        left.append(await deliveries.drain(0.05))

    run(deliveries, work)
    assert left == [False]


_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from detector.agent.delivery import Deliveries, Pacing
from detector.agent.sinks import Surroundings
from detector.agent.sinks.file import Settings, open_sink
from detector.agent.store import open_store
from tests.agent.sample_events import NOON
store = open_store(Path(sys.argv[1]) / "agent.sqlite3")
around = Surroundings("d" * 32, Path(sys.argv[1]), lambda: NOON, print)
inner = open_sink(Settings(path=sys.argv[1] + "/events"), around)
left = int(sys.argv[2])

class Dying:
    async def send(self, events):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        await inner.send(events)
        if left == 1:
            os.kill(os.getpid(), signal.SIGKILL)
    async def close(self):
        pass

async def main():
    deliveries = Deliveries(store, {"a": Dying()}, lambda: NOON, print, Pacing(most=3))
    task = asyncio.create_task(deliveries.run())
    await deliveries.drain(20)
    task.cancel()
    await asyncio.wait((task,))

asyncio.run(main())
"""


def test_a_kill_before_or_after_a_batch_has_arrived_loses_nothing(
    tmp_path: Path, world: World
) -> None:
    spool.configure(world.store, ["a"])
    world.keep(*map(heartbeat, range(1, 31)))
    path = str(tmp_path)
    codes = [
        subprocess.run([sys.executable, "-c", _KILLED, path, left], check=False).returncode
        for left in ("3", "2", "100")
    ]
    assert codes == [-9, -9, 0]
    lines = (tmp_path / "events").read_bytes().splitlines()
    numbers = [int(decode_event(line).id, 16) for line in lines]
    assert sorted(set(numbers)) == list(range(1, 31))
    assert len(numbers) > 30  # at least once
    assert list(dict.fromkeys(numbers)) == list(range(1, 31))
