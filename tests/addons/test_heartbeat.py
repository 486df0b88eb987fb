"""Heartbeats: who reads the store, noticed soon after it ends, whatever else is in the table."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from addons.bypass.beside import Beside
from addons.store import heartbeat
from addons.store.bypass_store import BypassStore
from addons.store.heartbeat import FRESH, About, Heart, Heartbeat, Passing, PassingNow
from tests.addons.conftest import START, Clock


def one(name: str, at: Clock) -> Heartbeat:
    return Heartbeat(name, "gw", 7, "0.1", "12.3", "observe", 0, None, START, at())


def test_a_heart_tells_what_it_is_and_leaves_with_its_proxy(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        heart = Heart(clock)
        heart.beat(store, "auto", None, 3)
        assert store.proxies.all() == []  # nobody has said that there is a proxy
        heart.about = About("12.3.1", Beside(ignore_hosts=("bank",)))
        heart.decide("bank.example", "pass", "bank.example:443")
        heart.beat(store, "auto", "rules.toml", 3)
        (found,) = store.proxies.alive(clock())
        assert (found.mitmproxy, found.mode, found.rules) == ("12.3.1", "auto", 3)
        assert found.last is not None
        assert found.last.host == "bank.example"
        assert found.beside.ignore_hosts == ("bank",)
        heart.stop(store)
        assert store.proxies.all() == []


def test_a_change_is_told_at_once_and_the_rest_in_its_time(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        heart = Heart(clock)
        heart.about = About("12.3.1")
        heart.beat(store, "observe", None, 1)
        clock.at += timedelta(seconds=1)
        heart.beat(store, "observe", None, 1)
        assert store.proxies.all()[0].seen == START
        heart.beat(store, "observe", None, 2)
        assert store.proxies.all()[0].rules == 2


def test_what_the_proxys_own_options_do_is_known_without_a_store(clock: Clock) -> None:
    heart = Heart(clock)
    assert heart.mitmproxys("bank.example", 443) == []
    heart.about = About("12.3.1", Beside(ignore_hosts=("bank",)))
    assert "ignore_hosts" in heart.mitmproxys("bank.example", 443)[0]
    assert heart.mitmproxys("shop.example", 443) == []


def test_one_that_was_killed_is_not_alive_for_long(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        store.proxies.write(one("a", clock))
        assert store.proxies.alive(START + FRESH)
        assert not store.proxies.alive(START + FRESH + timedelta(seconds=1))
        assert not store.proxies.alive(START - timedelta(minutes=1))  # nor is one of the future
        assert timedelta(seconds=heartbeat.EVERY) * 2 < FRESH < timedelta(seconds=15)


def test_the_table_stays_small_and_old_rows_leave(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        for number in range(heartbeat.MAX_PROXIES + 30):
            clock.at += timedelta(seconds=1)
            store.proxies.write(one(str(number), clock))
        assert len(store.proxies.all()) == heartbeat.MAX_PROXIES
        clock.at += timedelta(days=30)
        store.proxies.write(one("last", clock))
        assert [found.id for found in store.proxies.all()] == ["last"]


def test_it_is_no_decision_and_nobody_is_woken(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        before = (store.stamp(), list(store.audit()))
        store.proxies.write(one("a", clock))
        assert (store.stamp(), list(store.audit())) == before


def test_a_row_that_cannot_be_read_hides_no_other(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        store.proxies.write(one("a", clock))
        store._db.execute("INSERT INTO proxy VALUES ('b', ?, '{')", (START.isoformat(),))
        assert [found.id for found in store.proxies.all()] == ["a"]


def test_a_store_of_old_that_may_not_be_written_has_no_proxies(
    tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "b"
    with BypassStore(path, clock) as store:
        store._db.execute("DROP TABLE proxy")
        store._db.execute("PRAGMA user_version = 2")
    with BypassStore(path, clock, read_only=True) as store:
        assert store.proxies.all() == []


def test_what_passes_is_told_with_the_beat(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        heart = Heart(clock)
        heart.about = About("12.3.1", root="ab" * 32)
        one = Passing("10.0.0.1", "bank.example", "bank.example", START, 1, 2)
        heart.passing = PassingNow(7, (one,))
        heart.beat(store, "observe", None, 1)
        (found,) = store.proxies.alive(clock())
        assert found.passing == PassingNow(7, (one,))
        assert found.root == "ab" * 32


def test_a_row_of_before_there_was_a_list_is_read(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        row = (
            '{"id":"a","host":"gw","pid":7,"tlsight":"0.1","mitmproxy":"12.3","mode":"observe","rules":0,'
            f'"rules_file":null,"started":"{START.isoformat()}","seen":"{START.isoformat()}"}}'
        )
        store._db.execute("INSERT INTO proxy VALUES ('a', ?, ?)", (START.isoformat(), row))
        assert store.proxies.alive(START)[0].passing == PassingNow()
