"""Feeds in the store: what waits, what is in force, and that the trail tells of rows that somebody changed."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from addons.bypass.feed import Edition, Settings, is_stale
from addons.bypass.matcher import Arrival
from addons.bypass.pattern import row_of
from addons.bypass.rule import RuleRow
from addons.store.auditing import audited
from addons.store.bypass_store import BypassStore
from addons.store.keeper import Keeper, KeeperOptions
from detector.errors import ConfigError, StoreError
from tests.addons.conftest import Clock

SETTINGS = Settings("https://lists.example/a", "list", owner="net")
FIRST = ("a.example.com", ".sub.example.com")


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[BypassStore]:
    with BypassStore(tmp_path / "b.sqlite3", clock) as opened:
        yield opened


def rows(*patterns: str) -> tuple[RuleRow, ...]:
    return tuple(row_of(pattern, reason="vendor") for pattern in patterns)


def arrive(
    store: BypassStore, clock: Clock, *patterns: str, number: int | None = None
) -> str | None:
    digest = hashlib.sha256(repr((patterns, number)).encode()).hexdigest()
    numbering = "list" if number is not None else None
    edition = Edition(digest, clock(), len(patterns), number, numbering)  # type: ignore[arg-type]
    return store.feeds.arrive("x", edition, rows(*patterns))


def in_force(store: BypassStore) -> list[str]:
    return [rule.pattern for rule in store.feeds.rules()]


def test_what_arrives_waits_until_somebody_accepts_it(store: BypassStore, clock: Clock) -> None:
    store.feeds.add("x", SETTINGS)
    revision = store.revision()
    assert arrive(store, clock, *FIRST) == "changes wait for a person"
    assert (in_force(store), store.revision()) == ([], revision)
    assert store.feeds.change("x").counts == {"added": 2, "removed": 0, "changed": 0, "reworded": 0}
    store.feeds.accept("x")
    assert in_force(store) == list(FIRST)
    assert store.revision() > revision
    arrive(store, clock, "a.example.com", "b.example.com")
    assert in_force(store) == list(FIRST)
    change = store.feeds.accept("x")
    assert change.counts == {"added": 1, "removed": 1, "changed": 0, "reworded": 0}
    assert in_force(store) == ["a.example.com", "b.example.com"]
    assert audited(store, clock()).faults == ()


def test_the_entry_says_what_was_accepted(store: BypassStore, clock: Clock) -> None:
    store.feeds.add("x", SETTINGS)
    arrive(store, clock, *FIRST)
    store.feeds.accept("x")
    *_, entry = store.audit()
    said = msgspec.json.decode(entry.details)
    assert (entry.action, entry.subject) == ("feed accept", "x")
    assert (said["added"], said["removed"], said["count"], said["by_itself"]) == (2, 0, 2, False)
    assert said["new"] == list(FIRST)
    waiting = store.feeds.one("x").accepted
    assert waiting is not None
    assert said["digest"] == waiting.digest


def test_only_the_list_that_was_looked_at_is_accepted(store: BypassStore, clock: Clock) -> None:
    store.feeds.add("x", SETTINGS)
    arrive(store, clock, *FIRST)
    seen = store.feeds.one("x").waiting
    assert seen is not None
    arrive(store, clock, "other.example.com")
    with pytest.raises(ConfigError, match="another list came since"):
        store.feeds.accept("x", seen.digest[:12])
    assert in_force(store) == []
    with pytest.raises(ConfigError, match="is no feed here"):
        store.feeds.accept("y")
    store.feeds.accept("x")
    with pytest.raises(ConfigError, match="nothing waits"):
        store.feeds.accept("x")


def test_a_small_change_is_accepted_by_itself_where_that_was_decided(
    store: BypassStore, clock: Clock
) -> None:
    store.feeds.add("x", msgspec.structs.replace(SETTINGS, auto=1))
    assert arrive(store, clock, *FIRST) == "the first edition waits for a person"
    store.feeds.accept("x")
    assert arrive(store, clock, *FIRST, "c.example.com") is None
    assert in_force(store) == [*FIRST, "c.example.com"]
    why = arrive(store, clock, *FIRST, "c.example.com", ".example.org")
    assert why == ".example.org is new and a whole domain"
    assert in_force(store) == [*FIRST, "c.example.com"]
    assert audited(store, clock()).faults == ()


def test_the_same_list_keeps_it_fresh_and_needs_nobody(store: BypassStore, clock: Clock) -> None:
    store.feeds.add("x", msgspec.structs.replace(SETTINGS, max_age=10, when_stale="end"))
    arrive(store, clock, *FIRST, number=1)
    store.feeds.accept("x")
    entries, revision = len(list(store.audit())), store.revision()
    clock.at += timedelta(days=9)
    assert arrive(store, clock, *FIRST, number=1) is None
    assert len(list(store.audit())) == entries + 1
    assert store.revision() > revision  # its rules end later now
    clock.at += timedelta(days=9)
    assert not is_stale(store.feeds.one("x"), clock())
    assert arrive(store, clock, *FIRST, number=2) is None
    accepted = store.feeds.one("x").accepted
    assert accepted is not None
    assert accepted.number == 2
    assert audited(store, clock()).faults == ()


def test_a_list_that_goes_on_waiting_does_not_keep_the_old_one_fresh(
    store: BypassStore, clock: Clock
) -> None:
    store.feeds.add("x", msgspec.structs.replace(SETTINGS, max_age=10))
    arrive(store, clock, *FIRST)
    store.feeds.accept("x")
    for _ in range(3):
        clock.at += timedelta(days=4)
        arrive(store, clock, "other.example.com")
        store.feeds.same_again("x")
    assert is_stale(store.feeds.one("x"), clock())


def test_another_source_or_key_puts_away_what_waits(store: BypassStore, clock: Clock) -> None:
    store.feeds.add("x", SETTINGS)
    arrive(store, clock, *FIRST)
    store.feeds.set("x", msgspec.structs.replace(SETTINGS, owner="others"))
    assert store.feeds.one("x").waiting is not None
    store.feeds.set("x", msgspec.structs.replace(SETTINGS, key="RW"))
    assert store.feeds.one("x").waiting is None
    assert store.feeds.rows("x", "waiting") == ()
    assert audited(store, clock()).faults == ()


def test_what_is_refused_is_noted_once(store: BypassStore) -> None:
    store.feeds.add("x", SETTINGS)
    for _ in range(3):
        store.feeds.fail("x", "is signed with another key", refused=True)
    store.feeds.fail("x", "no answer", refused=False)
    assert [entry.action for entry in store.audit()] == ["feed add", "feed refuse"]
    assert store.feeds.one("x").trouble == "no answer"


def test_a_feed_is_added_once_and_can_be_removed(store: BypassStore, clock: Clock) -> None:
    store.feeds.add("x", SETTINGS)
    with pytest.raises(ConfigError, match="already"):
        store.feeds.add("x", SETTINGS)
    arrive(store, clock, *FIRST)
    store.feeds.accept("x")
    store.feeds.remove("x", "no longer used")
    assert (store.feeds.all(), in_force(store)) == ({}, [])
    assert audited(store, clock()).faults == ()


TAMPERED = {
    "a row changed": "UPDATE feed_list SET rows = replace(rows, 'a.example.com', 'evil.example')",
    "a row that inspects": "UPDATE feed_list SET rows = replace(rows, '\"reason\"', '\"action\":\"block\",\"reason\"')",
    "no rows": "DELETE FROM feed_list",
    "no JSON": "UPDATE feed_list SET rows = 'x'",
    "accepts by itself": "UPDATE feed SET body = json_set(body, '$.settings.auto', 9999)",
    "another source": "UPDATE feed SET body = json_set(body, '$.settings.source', 'https://evil.example/')",
    "an older number": "UPDATE feed SET body = json_set(body, '$.accepted.number', 1)",
    "gone": "DELETE FROM feed",
    "another one": "INSERT INTO feed SELECT 'y', body FROM feed; INSERT INTO feed_list SELECT 'y', place, rows FROM feed_list",
    "fresh for longer": "UPDATE feed SET body = json_set(body, '$.confirmed', '2099-01-01T00:00:00Z')",
    "what waits put in force": "UPDATE feed SET body = json_set(body, '$.accepted.digest', 'ee')",
}  # fmt: skip


@pytest.mark.parametrize("change", TAMPERED)
def test_the_trail_tells_of_a_feed_that_was_changed_by_sql(
    store: BypassStore, clock: Clock, change: str
) -> None:
    store.feeds.add("x", SETTINGS)
    arrive(store, clock, *FIRST, number=5)
    store.feeds.accept("x")
    assert audited(store, clock()).faults == ()
    with closing(sqlite3.connect(store.path)) as db:
        db.executescript(TAMPERED[change])
    faults = audited(store, clock()).faults
    assert faults
    assert all("feed" in fault for fault in faults)
    store.accept("looked at it", faults)
    assert audited(store, clock()).faults == ()


WAITING = {
    "another name": "UPDATE feed_list SET rows = replace(rows, 'a.example.com', 'evil.example')",
    "everybody": "UPDATE feed_list SET rows = '[{\"cidr\":\"0.0.0.0/0\"},{\"suffix\":\"com\"}]'",
    "fetched later": "UPDATE feed SET body = json_set(body, '$.waiting.fetched', '2099-01-01T00:00:00Z')",
    "how it is kept": "UPDATE feed SET body = json_set(body, '$.settings.auto', 10000)",
}  # fmt: skip


@pytest.mark.parametrize("change", WAITING)
def test_what_waits_is_accepted_only_as_it_came_and_the_trail_tells_of_a_change(
    store: BypassStore, clock: Clock, change: str
) -> None:
    store.feeds.add("x", SETTINGS)
    arrive(store, clock, *FIRST)
    assert audited(store, clock()).faults == ()
    waiting = store.feeds.one("x").waiting
    assert waiting is not None
    with closing(sqlite3.connect(store.path)) as db:
        db.executescript(WAITING[change])
    assert any("feed x" in fault for fault in audited(store, clock()).faults)
    with pytest.raises(ConfigError, match="changed in the file"):
        store.feeds.accept("x", waiting.digest)
    # No other decision vouches for it either.
    with pytest.raises(ConfigError, match="changed in the file"):
        store.feeds.set("x", msgspec.structs.replace(SETTINGS, owner="others"))
    with pytest.raises(ConfigError, match="changed in the file"):
        arrive(store, clock, "other.example.com")
    assert in_force(store) == []
    store.feeds.remove("x")
    assert audited(store, clock()).faults == ()


def test_rows_that_no_feed_may_have_are_not_accepted_even_where_a_person_vouched_for_the_store(
    store: BypassStore, clock: Clock
) -> None:
    store.feeds.add("x", SETTINGS)
    arrive(store, clock, *FIRST)
    with closing(sqlite3.connect(store.path)) as db:
        db.executescript(WAITING["everybody"])
    store.accept("looked at it", audited(store, clock()).faults)
    with pytest.raises(ConfigError, match="nothing that a feed may have"):
        store.feeds.accept("x")
    assert in_force(store) == []


def test_a_list_that_came_between_looking_and_accepting_is_not_accepted_under_the_others_digest(
    store: BypassStore, clock: Clock
) -> None:
    store.feeds.add("x", SETTINGS)
    arrive(store, clock, *FIRST, number=1)
    seen = store.feeds.one("x").waiting
    assert seen is not None
    with BypassStore(store.path, clock) as other:
        arrive(other, clock, "serial.two.example.com", number=2)
        with pytest.raises(ConfigError, match="another list came since"):
            store.feeds.accept("x", seen.digest)
        assert in_force(other) == []


def test_accepting_reads_what_it_accepts_in_one_transaction(
    store: BypassStore, clock: Clock
) -> None:
    store.feeds.add("x", SETTINGS)
    arrive(store, clock, *FIRST)
    said: list[str] = []
    store._db.set_trace_callback(said.append)
    store.feeds.accept("x")
    begin = said.index("BEGIN IMMEDIATE")
    assert not [one for one in said[:begin] if "FROM feed" in one]
    assert [one for one in said[begin : said.index("COMMIT")] if "FROM feed_list" in one]


def test_a_feed_that_was_changed_by_sql_is_not_vouched_for_by_the_next_poll(
    store: BypassStore, clock: Clock
) -> None:
    store.feeds.add("x", SETTINGS)
    arrive(store, clock, *FIRST, number=5)
    store.feeds.accept("x")
    with closing(sqlite3.connect(store.path)) as db:
        db.executescript(TAMPERED["a row changed"])
    clock.at += timedelta(days=2)
    with pytest.raises(ConfigError, match="changed in the file"):
        store.feeds.confirm("x")
    assert audited(store, clock()).faults


def test_polls_of_a_day_are_one_entry_and_do_not_let_a_short_age_run_out(
    store: BypassStore, clock: Clock
) -> None:
    store.feeds.add("x", msgspec.structs.replace(SETTINGS, max_age=1, when_stale="end"))
    store.feeds.add("y", msgspec.structs.replace(SETTINGS, max_age=30))
    arrive(store, clock, *FIRST)
    store.feeds.accept("x")
    before = len(list(store.audit()))
    for _ in range(96):
        clock.at += timedelta(minutes=30)
        store.feeds.confirm("x")
        store.feeds.confirm("y")
        assert not is_stale(store.feeds.one("x"), clock())
    told = [entry.subject for entry in list(store.audit())[before:]]
    assert (told.count("y"), told.count("x")) == (2, 48)
    assert audited(store, clock()).faults == ()


def test_a_list_that_goes_on_waiting_is_one_entry(store: BypassStore, clock: Clock) -> None:
    store.feeds.add("x", SETTINGS)
    for _ in range(3):
        arrive(store, clock, *FIRST)
    assert [entry.action for entry in store.audit()] == ["feed add", "feed wait"]


def test_another_list_may_be_made_of_the_same_bytes_once_that_was_decided(
    store: BypassStore, clock: Clock
) -> None:
    store.feeds.add("x", SETTINGS)
    arrive(store, clock, *FIRST, number=1)
    store.feeds.accept("x")
    store.feeds.set("x", msgspec.structs.replace(SETTINGS, shared=True))
    there = store.feeds.one("x").accepted
    assert there is not None
    assert there.again
    arrive(store, clock, *FIRST, number=1)
    there = store.feeds.one("x").accepted
    assert there is not None
    assert not there.again
    assert audited(store, clock()).faults == ()


def test_undoing_what_was_decided_of_a_feed_says_what_does_that(
    store: BypassStore, clock: Clock
) -> None:
    store.feeds.add("x", SETTINGS)
    arrive(store, clock, *FIRST)
    store.feeds.accept("x")
    with pytest.raises(ConfigError, match=r"feed remove NAME.*--older.*feed accept"):
        store.undo(len(list(store.audit())))


def test_a_malformed_feed_is_an_error_of_the_store(store: BypassStore, clock: Clock) -> None:
    store.feeds.add("x", SETTINGS)
    arrive(store, clock, *FIRST)
    store.feeds.accept("x")
    for rows_, body in (("[{}]", None), ("{", None), (None, "[]")):
        with closing(sqlite3.connect(store.path)) as db:
            if rows_ is not None:
                db.execute("UPDATE feed_list SET rows = ?", (rows_,))
            else:
                db.execute("UPDATE feed SET body = ?", (body,))
            db.commit()
        with pytest.raises(StoreError, match="malformed"):
            store.feeds.rules()


def test_a_proxy_takes_up_what_was_accepted_beneath_its_own_rules(
    store: BypassStore, clock: Clock
) -> None:
    store.add_rule(row_of(".example.com", action="inspect", owner="o", reason="r"))
    keeper = Keeper(clock)
    keeper.set_up(KeeperOptions(store=store.path))
    store.feeds.add("x", msgspec.structs.replace(SETTINGS, max_age=10, when_stale="end"))
    arrive(store, clock, "a.example.com", "a.example.org")
    keeper.reload()
    asked = [Arrival(name, None, None, 443) for name in ("a.example.com", "a.example.org")]
    assert keeper.matcher.match(asked[1], clock()) is None
    store.feeds.accept("x")
    keeper.reload()
    found = [keeper.matcher.match(one, clock()) for one in asked]
    assert [one.action for one in found if one is not None] == ["inspect", "pass"]
    assert keeper.matcher.count == 3
    clock.at += timedelta(days=11)
    assert keeper.matcher.match(asked[1], clock()) is None


def test_a_feed_that_cannot_be_read_takes_nothing_of_ones_own_away(
    store: BypassStore, clock: Clock
) -> None:
    store.add_rule(row_of("block.example.com", action="block", owner="o", reason="r"))
    store.feeds.add("x", SETTINGS)
    arrive(store, clock, *FIRST)
    store.feeds.accept("x")
    keeper = Keeper(clock)
    keeper.set_up(KeeperOptions(store=store.path))
    assert keeper.matcher.count == 3
    with closing(sqlite3.connect(store.path)) as db:
        db.execute("UPDATE feed_list SET rows = 'x'")
        db.commit()
    keeper.reload()
    assert keeper.matcher.count == 3  # the last good list stays
    fresh = Keeper(clock)
    fresh.set_up(KeeperOptions(store=store.path))
    found = fresh.matcher.match(Arrival("block.example.com", None, None, 443), clock())
    assert found is not None
    assert found.action == "block"


def test_a_store_of_before_there_were_feeds_can_be_looked_at(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "old.sqlite3"
    with BypassStore(path, clock) as made:
        made.add_rule(row_of("a.example.com", owner="o", reason="r"))
    with closing(sqlite3.connect(path)) as db:
        db.executescript("DROP TABLE feed; DROP TABLE feed_list; PRAGMA user_version = 3")
    with BypassStore(path, clock, read_only=True) as old:
        assert (old.feeds.all(), old.feeds.rules(), old.feeds.states()) == ({}, [], {})
        assert len(old.rules()) == 1
