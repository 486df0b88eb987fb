"""Copies of a store that is in use, and what comes back of them."""

from __future__ import annotations

import sqlite3
import stat
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from addons.bypass.attempt import Attempt
from addons.bypass.feed import Edition, Settings
from addons.bypass.pattern import row_of
from addons.bypass.rule import RuleRow
from addons.store.auditing import audited
from addons.store.backup import Checked, back_up, check
from addons.store.bypass_store import BypassStore
from addons.store.keeper import Keeper, KeeperOptions
from addons.store.private_file import read_private
from addons.store.restoring import DECIDED, NEVER_BACK, SEEN, plan, restore
from addons.store.schema import MIGRATIONS
from addons.store.seal import KEY_VARIABLE
from detector import clock
from detector.errors import StoreError

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
END = datetime(2027, 2, 1, tzinfo=UTC).date()


class World:
    """A folder with a store and copies of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "b.sqlite3"
        self.environment: dict[str, str] = {}

    def open(self, path: Path | None = None) -> BypassStore:
        return BypassStore(path or self.store, lambda: NOW, "alice", environment=self.environment)

    def add(self, *hosts: str) -> None:
        with self.open() as store:
            for host in hosts:
                store.add_rule(RuleRow(host=host, reason="r", owner="o", expires=END))

    def patterns(self, path: Path | None = None) -> list[str]:
        with self.open(path) as store:
            return [one.rule.pattern for one in store.rules()]

    def copy(self, name: str = "copy", **options: bool) -> Checked:
        target = self.folder / name
        return back_up(self.store, target, NOW, self.environment, version="1", **options)

    def put_back(self, name: str = "copy", store: Path | None = None, **options: bool) -> None:
        where = store or self.store
        restore(self.folder / name, where, "test", lambda: NOW, "bob", self.environment, **options)

    def faults(self, path: Path | None = None) -> tuple[str, ...]:
        with self.open(path) as store:
            return audited(store, NOW).faults


@pytest.fixture
def world(tmp_path: Path) -> World:
    found = World(tmp_path)
    found.add("a.example", "b.example")
    return found


def test_every_table_is_decided_or_seen_or_said_to_stay_behind() -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        for script in MIGRATIONS:
            db.executescript(script)
        names = {
            one for (one,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        }
    assert names == {*DECIDED, *SEEN, *NEVER_BACK}
    assert not {*DECIDED} & {*SEEN}


def test_a_copy_is_private_whole_and_says_what_is_in_it(world: World) -> None:
    made = world.copy()
    target = world.folder / "copy"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert (made.rules, made.entries, made.faults, made.about.has_key) == (2, 2, (), True)
    assert check(target, NOW) == made
    assert sorted(p.name for p in world.folder.iterdir() if "copy" in p.name) == ["copy"]
    with pytest.raises(StoreError, match="is there already"):
        world.copy()
    world.add("c.example")
    assert world.copy(force=True).rules == 3
    target.chmod(0o644)
    assert "others can read it" in check(target, NOW).notes[0]


def test_nothing_of_the_store_is_written_over(world: World) -> None:
    (world.folder / "link").symlink_to("elsewhere")
    for name in ("b.sqlite3", "b.sqlite3-wal", "b.sqlite3.key", "link"):
        with pytest.raises(StoreError):
            world.copy(name, force=True)
    assert world.faults() == ()


def test_a_key_that_is_kept_elsewhere_stays_there(world: World, tmp_path: Path) -> None:
    world.environment = {KEY_VARIABLE: str(tmp_path / "away" / "key")}
    (tmp_path / "b.sqlite3.key").unlink()
    with world.open() as store:
        store.accept("another key", ())
    made = world.copy()
    secret = (read_private(tmp_path / "away" / "key") or b"").strip()
    assert (made.about.has_key, made.faults) == (False, ())
    assert len(secret) == 64
    assert secret not in (tmp_path / "copy").read_bytes()
    assert world.copy("with", key=True).about.has_key
    assert secret in (tmp_path / "with").read_bytes()


def test_decisions_come_back_and_the_trail_tells_what_was_lost(world: World) -> None:
    world.copy()
    world.add("later.example")
    with world.open() as store:
        store.remove_rule("a.example", "no longer")
        store.traffic.write([Attempt(NOW, "client", "x.example", 443, "10.0.0.1", "failed")], [])
        revision = store.revision()
    planned = plan(world.folder / "copy", world.store, NOW, {})
    assert (planned.added, planned.removed) == (("a.example",), ("later.example",))
    assert [(one.action, one.subject) for one in planned.lost] == [
        ("add", "later.example"),
        ("remove", "a.example"),
    ]
    assert world.patterns() == ["b.example", "later.example"]  # a plan changes nothing
    world.put_back()
    assert world.patterns() == ["a.example", "b.example"]
    assert world.faults() == ()
    with world.open() as store:
        assert store.revision() > revision
        assert [one.host for one in store.traffic.attempts()] == ["x.example"]
        entry = list(store.audit())[-1]
    assert (entry.action, entry.by) == ("accept", "bob")
    told = msgspec.json.decode(entry.details)
    assert [one["subject"] for one in told["lost_entries"]] == ["later.example", "a.example"]
    assert told["lost_count"] == 2
    assert told["restored"]["entries"] == 2
    # What comes next goes on behind it.
    world.add("next.example")
    assert world.faults() == ()


def test_vendors_lists_come_back_as_they_were_accepted(world: World) -> None:
    def arrive(*patterns: str) -> None:
        rows = tuple(row_of(one, reason="vendor") for one in patterns)
        edition = Edition(f"{len(patterns):064}", NOW, len(patterns))
        with world.open() as store:
            store.feeds.arrive("x", edition, rows)
            store.feeds.accept("x")

    with world.open() as store:
        store.feeds.add("x", Settings("https://lists.example/a", "list", owner="net"))
    arrive("v.example.com")
    world.copy()
    arrive("v.example.com", "w.example.com")
    assert plan(world.folder / "copy", world.store, NOW, {}).feeds == ("x",)
    world.put_back()
    with world.open() as store:
        assert [rule.pattern for rule in store.feeds.rules()] == ["v.example.com"]
    assert world.faults() == ()
    assert plan(world.folder / "copy", world.store, NOW, {}).feeds == ()
    with closing(sqlite3.connect(world.folder / "copy")) as db:
        db.execute("UPDATE feed_list SET rows = replace(rows, 'v.example', 'u.example')")
        db.commit()
    assert check(world.folder / "copy", NOW).faults


def test_an_older_copy_put_back_by_hand_looks_cut_and_by_restore_does_not(world: World) -> None:
    world.copy()
    world.add("later.example")
    world.put_back()
    assert world.faults() == ()
    for end in ("-wal", "-shm"):
        world.store.with_name(world.store.name + end).unlink(missing_ok=True)
    (world.folder / "copy").replace(world.store)
    assert "cut off" in world.faults()[0]


def test_a_new_machine_gets_the_key_and_what_was_seen(world: World, tmp_path: Path) -> None:
    with world.open() as store:
        store.traffic.write([Attempt(NOW, "client", "x.example", 443, "10.0.0.1", "failed")], [])
        key = store.trail.seal.public_key()
    world.copy()
    other = tmp_path / "new" / "b.sqlite3"
    planned = plan(tmp_path / "copy", other, NOW, {})
    assert planned.added == ("a.example", "b.example")
    assert "attempt" in planned.observed
    assert not other.exists()
    world.put_back(store=other)
    with world.open(other) as store:
        assert [one.host for one in store.traffic.attempts()] == ["x.example"]
        assert store.trail.seal.public_key() == key
    assert world.faults(other) == ()
    assert stat.S_IMODE((tmp_path / "new" / "b.sqlite3.key").stat().st_mode) == 0o600


def test_under_another_key_the_trail_is_taken_over_with_a_word(
    world: World, tmp_path: Path
) -> None:
    world.copy(key=False)
    other = tmp_path / "new" / "b.sqlite3"
    world.put_back(store=other)
    assert world.faults(other) == ()
    with world.open(other) as store:
        assert any("another key" in text for text in audited(store, NOW).notes)


def test_a_copy_that_was_changed_is_refused(world: World) -> None:
    world.copy()
    with closing(sqlite3.connect(world.folder / "copy")) as db:
        db.execute("UPDATE rule SET row = replace(row, 'a.example', 'c.example')")
        db.commit()
    assert check(world.folder / "copy", NOW).faults
    with pytest.raises(StoreError, match="does not hold"):
        world.put_back()
    assert world.patterns() == ["a.example", "b.example"]
    world.put_back(force=True)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON audit BEGIN DELETE FROM rule; END",
        "ALTER TABLE rule RENAME TO r; CREATE VIEW rule AS SELECT * FROM r",
    ],
)
def test_what_tlsight_never_makes_does_not_come_in(world: World, statement: str) -> None:
    world.copy()
    with closing(sqlite3.connect(world.folder / "copy")) as db:
        db.executescript(statement)
    for force in (False, True):
        with pytest.raises(StoreError):
            world.put_back(force=force)
    assert world.patterns() == ["a.example", "b.example"]


@pytest.mark.parametrize("name", ["empty", "text", "store", "cut", "folder", "nothing", "values"])
def test_what_is_no_copy_is_one_error(world: World, name: str) -> None:
    world.copy()
    path, good = world.folder / name, (world.folder / "copy").read_bytes()
    if name == "folder":
        path.mkdir()
    elif name != "nothing":
        path.write_bytes(
            {
                "empty": b"", "text": b"x" * 5000, "store": world.store.read_bytes(),
                "cut": good[:9000], "values": good.replace(b'"made":"2026', b'"made":"zzzz'),
            }[name]
        )  # fmt: skip
    with pytest.raises(StoreError):
        plan(path, world.store, NOW, {})
    with pytest.raises(StoreError):
        world.put_back(name)
    assert world.patterns() == ["a.example", "b.example"]


def test_bytes_turned_over_in_a_copy_never_end_in_anything_but_our_error(world: World) -> None:
    world.copy()
    good = (world.folder / "copy").read_bytes()
    bad = world.folder / "bad"
    for at in range(16, len(good), len(good) // 60):
        content = bytearray(good)
        content[at : at + 40] = bytes(255 - one for one in content[at : at + 40])
        bad.write_bytes(content)
        try:
            world.put_back("bad")
        except StoreError:
            continue
        assert world.faults() == ()


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_copy_of_an_older_version_is_brought_up(
    world: World, version: int, tmp_path: Path
) -> None:
    old = tmp_path / "old.sqlite3"
    with closing(sqlite3.connect(old)) as db:
        for script in MIGRATIONS[:version]:
            db.executescript(script)
        row = msgspec.json.encode(RuleRow(host="old.example")).decode()
        db.execute(
            "INSERT INTO rule (pattern, row, state) VALUES ('old.example', ?, 'approved')", (row,)
        )
        db.execute(f"PRAGMA user_version = {version}")
        db.commit()
    made = back_up(old, tmp_path / "copy", NOW, {}, version="0")
    assert made.faults  # no entry made that rule
    with pytest.raises(StoreError, match="does not hold"):
        world.put_back()
    world.put_back(force=True)
    assert world.patterns() == ["old.example"]
    assert world.faults() == ()


def test_a_copy_of_a_later_version_is_refused(world: World) -> None:
    world.copy()
    with closing(sqlite3.connect(world.folder / "copy")) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(StoreError, match="of version"):
        world.put_back()


def waited(what: Callable[[], bool]) -> None:
    deadline = clock.stopwatch() + 60
    while not what():
        assert clock.stopwatch() < deadline
        threading.Event().wait(0.05)


def test_while_a_keeper_writes_copies_hold_and_it_takes_up_what_comes_back(world: World) -> None:
    keeper = Keeper()
    keeper.set_up(KeeperOptions(store=world.store))
    keeper.start()
    done = threading.Event()

    def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            keeper.put(
                Attempt(clock.now(), "client", f"h{number % 50}.example", 443, "10.0.0.1", "failed")
            )
            done.wait(0.002)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        waited(lambda: keeper.matcher.count == 2)
        for n in range(3):
            assert world.copy(f"copy{n}").faults == ()
            world.add(f"later{n}.example")
        waited(lambda: keeper.matcher.count == 5)
        world.put_back("copy0")
        waited(lambda: keeper.matcher.count == 2)
        with world.open() as store:
            before = store.traffic.totals()
        waited(lambda: _totals(world) != before)  # and goes on writing
    finally:
        done.set()
        writer.join()
        keeper.close()
    assert world.faults() == ()


def _totals(world: World) -> object:
    with world.open() as store:
        return store.traffic.totals()


@pytest.mark.parametrize("gone", [("",), ("", "-wal", "-shm")])
def test_a_store_that_is_gone_comes_back_under_a_keeper(
    world: World, gone: tuple[str, ...]
) -> None:
    keeper = Keeper()
    keeper.set_up(KeeperOptions(store=world.store))
    keeper.start()
    try:
        world.copy()
        waited(lambda: keeper.matcher.count == 2)
        for end in gone:  # its late changes stay where only the file was taken away
            world.store.with_name(world.store.name + end).unlink()
        world.put_back()
        world.add("new.example")
        waited(lambda: keeper.matcher.count == 3)
        keeper.put(Attempt(clock.now(), "client", "x.example", 443, "10.0.0.1", "failed"))
    finally:
        keeper.close()
    assert world.faults() == ()
    with world.open() as store, closing(sqlite3.connect(world.store)) as db:
        assert [one.host for one in store.traffic.attempts()] == ["x.example"]
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_twenty_thousand_rules_are_copied_and_put_back_in_time(world: World) -> None:
    with world.open() as store:
        store.import_rules(
            (
                RuleRow(host=f"h{n}.example", reason="r", owner="o", expires=END)
                for n in range(20_000)
            ),
            "many",
        )
    before = time.process_time()
    world.copy()
    world.put_back()
    assert time.process_time() - before < 20
    assert len(world.patterns()) == 20_002
