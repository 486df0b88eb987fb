"""Episodes in the store: opened once by whoever is first, and told at least once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
from msgspec.structs import replace

from addons.bypass.episodes import Episode, Step
from addons.store import episode_table
from addons.store.bypass_store import BypassStore
from tests.addons.conftest import START, Clock

HOUR = timedelta(hours=1)


def episode(name: str = "one", key: str = "host a.example") -> Episode:
    return Episode(
        name, key, "nothing", "", START, START, {"a.example": 0.0}, 2, 2, "client", "do", "text"
    )


def test_two_proxies_open_one_episode_and_tell_it_once(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b", clock) as one, BypassStore(tmp_path / "b", clock) as other:
        step = Step(episode(), "opened")
        assert one.episodes.apply([], [step], START, tell=True) == [step]
        again = Step(episode("two"), "opened")
        assert other.episodes.apply([], [again], START, tell=True) == []
        assert [found.id for found in other.episodes.opened()] == ["one"]
        assert other.episodes.waiting() == 1


def test_who_read_an_older_state_changes_nothing(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        store.episodes.apply([], [Step(episode(), "opened")], START, tell=False)
        (read,) = store.episodes.opened()
        closed = Step(replace(read, closed=START + HOUR, why="mended"), "closed")
        assert store.episodes.apply([read], [closed], START, tell=True) == [closed]
        assert store.episodes.apply([read], [closed], START, tell=True) == []
        assert store.episodes.opened() == []
        assert [one.why for one in store.episodes.closed()] == ["mended"]
        assert store.episodes.waiting() == 1
        reopened = Step(episode("two"), "opened")
        assert store.episodes.apply([], [reopened], START, tell=False) == [reopened]


def test_a_message_is_taken_by_one_and_by_another_where_that_one_died(
    tmp_path: Path, clock: Clock
) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        store.episodes.apply([], [Step(episode(), "opened")], START, tell=True)
        notice = store.episodes.take(START)
        assert notice is not None
        assert msgspec.json.decode(notice.body)["number"] == notice.number
        assert store.episodes.take(START + timedelta(seconds=30)) is None
        assert store.episodes.take(START + timedelta(seconds=90)) == notice
        store.episodes.told(notice.number)
        assert store.episodes.take(START + HOUR) is None


def test_what_fails_is_tried_later_each_time_and_given_up_after_a_day(
    tmp_path: Path, clock: Clock
) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        store.episodes.apply([], [Step(episode(), "opened")], START, tell=True)
        now, waits = START, []
        for _ in range(400):
            notice = store.episodes.take(now)
            if notice is None:
                now += timedelta(seconds=10)
                continue
            since = now
            if not store.episodes.failed(notice, now):
                break
            while store.episodes._db.execute(
                "SELECT 1 FROM notice WHERE due > ?", (now.isoformat(),)
            ).fetchone():
                now += timedelta(seconds=10)
            waits.append((now - since).total_seconds())
        assert waits[:3] == [10, 20, 40]
        assert max(waits) == episode_table.MOST_WAIT.total_seconds()
        assert timedelta(hours=23) < now - START < timedelta(hours=26)
        assert store.episodes.waiting() == 0


def test_episodes_and_messages_are_bounded(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        many = [
            Step(episode(str(n), f"host h{n}"), "opened")
            for n in range(episode_table.MAX_OPEN + 50)
        ]
        made = store.episodes.apply([], many, START, tell=True)
        assert len(made) == len(store.episodes.opened()) == episode_table.MAX_OPEN
        opened = store.episodes.opened()
        for _ in range(3):
            grown = [replace(one, clients=one.clients + 1) for one in opened]
            store.episodes.apply(opened, [Step(one, "changed") for one in grown], START, tell=True)
            opened = grown
        assert store.episodes.waiting() == episode_table.MAX_NOTICES


def test_a_store_of_old_that_may_not_be_written_has_none(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "b"
    with BypassStore(path, clock) as store:
        store._db.execute("DROP TABLE episode")
        store._db.execute("DROP TABLE notice")
        store._db.execute("PRAGMA user_version = 3")
    with BypassStore(path, clock, read_only=True) as store:
        assert store.episodes.opened() == []
        assert store.episodes.waiting() == 0
