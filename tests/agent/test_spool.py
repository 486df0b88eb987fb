"""The line of events on disk: who sees what, what goes when there is no room, what a full disk costs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from detector.agent import spool
from detector.agent.store import open_store
from detector.errors import StoreError
from detector.knowledge.database import Database
from detector.report.event_json import EventRecord, encode_event
from tests.agent.sample_events import finding, heartbeat, notice


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    database = open_store(tmp_path / "agent.sqlite3")
    yield database
    database.close()


def keep(store: Database, *events: EventRecord, limit: int = spool.LIMIT) -> spool.GivenUp:
    with store.db:
        return spool.keep(store, events, limit)


def waits(store: Database, sink: str) -> list[int]:
    return [int(event.id, 16) for event in spool.batch(store, sink, 1000, 1 << 30).events]


def size(*events: EventRecord) -> int:
    return sum(len(encode_event(event)) for event in events)


def test_each_sink_sees_everything_from_when_it_was_configured(store: Database) -> None:
    spool.configure(store, ["a"])
    keep(store, finding(1), heartbeat(2))
    spool.configure(store, ["a", "b"])
    keep(store, finding(3))
    assert (waits(store, "a"), waits(store, "b")) == ([1, 2, 3], [3])
    spool.delivered(store, "a", spool.batch(store, "a", 2, 1 << 30).through)
    assert (spool.waiting(store, "a"), spool.waiting(store, "b")) == (1, 1)


def test_a_sink_that_is_gone_holds_nothing_up_and_begins_anew_when_it_comes_back(
    store: Database,
) -> None:
    spool.configure(store, ["a", "dead"])
    keep(store, *map(heartbeat, range(1, 402)))
    spool.delivered(store, "a", spool.batch(store, "a", 401, 1 << 30).through)
    assert len(spool.latest(store, 1000)) == 401
    spool.configure(store, ["a"])
    assert len(spool.latest(store, 1000)) == 200
    spool.configure(store, ["a", "dead"])
    assert waits(store, "dead") == []


def test_without_a_sink_only_the_newest_stay_to_be_looked_at(store: Database) -> None:
    keep(store, *map(heartbeat, range(1, 301)))
    spool.configure(store, [])
    assert [int(event.id, 16) for event in spool.latest(store, 3)] == [298, 299, 300]
    assert len(spool.latest(store, 1000)) == 200


def test_heartbeats_go_before_notices_and_these_before_findings(store: Database) -> None:
    spool.configure(store, ["a"])
    events = [finding(1), notice(2), heartbeat(3), heartbeat(4), finding(5), heartbeat(6)]
    assert keep(store, *events) == spool.GivenUp()
    for left in ([1, 2, 4, 5, 6], [1, 2, 5, 6], [1, 2, 5], [1, 5], [5]):
        room = size(*(event for event in events if int(event.id, 16) in left))
        keep(store, limit=room)
        assert waits(store, "a") == left


def test_what_goes_is_counted_and_told_once_until_the_line_is_short_again(store: Database) -> None:
    spool.configure(store, ["a"])
    beats = [heartbeat(n) for n in range(101, 120)]
    room = size(*beats[:10])
    keep(store, *beats[:10], limit=room)
    told = [keep(store, one, limit=room) for one in beats[10:12]]
    assert [(one.events, one.tell) for one in told] == [(1, True), (1, False)]
    assert spool.lost(store) == 2
    spool.delivered(store, "a", spool.batch(store, "a", 100, 1 << 30).through)
    keep(store, *beats[12:], limit=room)
    assert waits(store, "a") == list(range(113, 120))
    again = keep(store, *[heartbeat(n) for n in range(130, 136)], limit=room)
    assert again.tell
    assert again.events


def test_what_every_sink_has_goes_first_and_is_not_called_lost(store: Database) -> None:
    spool.configure(store, ["a"])
    keep(store, finding(1), finding(2))
    spool.delivered(store, "a", spool.batch(store, "a", 100, 1 << 30).through)
    room = size(finding(1)) * 5
    given = keep(store, *[finding(n) for n in range(3, 8)], limit=room)
    assert given == spool.GivenUp()
    assert waits(store, "a") == [3, 4, 5, 6, 7]


def test_an_event_that_is_too_large_loses_its_observation_first(store: Database) -> None:
    spool.configure(store, ["a"])
    keep(store, finding(1, padding=100_000), limit=100_000)
    (event,) = spool.batch(store, "a", 10, 1 << 30).events
    assert event.observation is None
    assert event.check is not None
    assert keep(store, finding(2), limit=1000) == (1 + 1, 1 + 1, True)


def test_a_batch_is_bounded_in_bytes_but_has_one_event_where_one_waits(store: Database) -> None:
    spool.configure(store, ["a"])
    keep(store, finding(1), finding(2), finding(3))
    assert len(spool.batch(store, "a", 100, 1).events) == 1
    assert len(spool.batch(store, "a", 100, size(finding(1)) * 2).events) == 2
    ready = spool.batch(store, "a", 2, 1 << 30, {1})
    assert [int(event.id, 16) for event in ready.events] == [2, 3]


def test_a_row_of_a_damaged_file_is_passed_over(store: Database) -> None:
    spool.configure(store, ["a"])
    keep(store, finding(1), finding(2))
    with store.db:
        store.db.execute("UPDATE event SET body = x'7b7b' WHERE number = 1")
    assert waits(store, "a") == [2]
    with store.db:
        store.db.execute("UPDATE event SET body = x'00'")
    ready = spool.batch(store, "a", 10, 1 << 30)
    assert (ready.events, ready.through) == ((), 2)


def test_the_same_event_is_kept_once(store: Database) -> None:
    spool.configure(store, ["a"])
    keep(store, finding(1))
    keep(store, finding(1), finding(2))
    assert waits(store, "a") == [1, 2]


def test_numbers_are_not_given_twice_so_a_place_stays_right_when_all_is_gone(
    store: Database,
) -> None:
    spool.configure(store, ["a"])
    keep(store, finding(1))
    spool.delivered(store, "a", spool.batch(store, "a", 1, 1).through)
    with store.db:
        store.db.execute("DELETE FROM event")
    spool.configure(store, ["a", "b"])
    keep(store, finding(2))
    assert (waits(store, "a"), waits(store, "b")) == ([2], [2])


def test_a_full_disk_is_told_and_nothing_that_was_kept_is_lost(store: Database) -> None:
    spool.configure(store, ["a"])
    keep(store, finding(1))
    (pages,) = store.db.execute("PRAGMA page_count").fetchone()
    store.db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="full; free some space"), store.db:
        spool.keep(store, [finding(n, padding=9000) for n in range(2, 30)])
    assert waits(store, "a") == [1]
    store.db.execute("PRAGMA max_page_count = 100000")
    keep(store, finding(2))
    assert waits(store, "a") == [1, 2]


_KILLED = """
import os, signal, sys
from pathlib import Path
from detector.agent import spool
from detector.agent.store import open_store
from tests.agent.sample_events import heartbeat
store = open_store(Path(sys.argv[1]))
spool.configure(store, ["a"])
with store.db:
    spool.keep(store, [heartbeat(1)])
store.db.execute("BEGIN")
spool.keep(store, [heartbeat(2)])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_between_keeping_and_its_end_leaves_all_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "agent.sqlite3"
    ended = subprocess.run([sys.executable, "-c", _KILLED, str(path)], check=False)
    assert ended.returncode == -9
    store = open_store(path)
    assert waits(store, "a") == [1]
    store.close()


def test_sixteen_mebibytes_make_room_without_delay(store: Database) -> None:
    spool.configure(store, ["a"])
    events: Sequence[EventRecord] = [finding(n, padding=6000) for n in range(1, 400)]
    given = keep(store, *events, limit=2 << 20)
    assert given.events == given.findings > 0
    assert len(waits(store, "a")) == 399 - given.events


def test_what_stands_is_told_to_a_sink_that_comes_later_and_to_no_other(store: Database) -> None:
    spool.configure(store, ["a"])
    keep(store, finding(1))
    spool.configure(store, ["a", "b"], lambda: [finding(7), finding(8)])
    keep(store, finding(3))
    assert (waits(store, "a"), waits(store, "b")) == ([1, 3], [7, 8, 3])
    assert (spool.waiting(store, "a"), spool.waiting(store, "b")) == (2, 3)
    spool.configure(store, ["a", "b"], lambda: [finding(9)])
    assert waits(store, "b") == [7, 8, 3]
    assert [int(event.id, 16) for event in spool.latest(store, 9)] == [1, 3]
    spool.delivered(store, "a", spool.batch(store, "a", 9, 1 << 30).through)
    assert waits(store, "a") == []
