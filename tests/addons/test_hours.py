"""Attempts by hour and client: what is counted, split where something changed, and bounded whoever fills it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from addons.bypass.attempt import Attempt
from addons.bypass.tally import UNITS, Alteration, Count
from addons.store import hours
from addons.store.bypass_store import BypassStore
from addons.store.traffic import Passage
from tests.addons.conftest import START, Clock

HOUR = timedelta(hours=1)
AT = START + timedelta(minutes=20)


def attempt(
    host: str = "shop.example", at: datetime = AT, user: str | None = "ann", *, took: bool = True,
    bound: bool | None = True, client: str = "10.0.0.1",
) -> Attempt:  # fmt: skip
    alert = None if took else 48
    return Attempt(
        at, "client", host, 443, client, "accepted" if took else "failed", user=user, bound=bound,
        alert=alert, alert_by=None if took else "client",
    )  # fmt: skip


def kept(store: BypassStore, *hosts: str) -> list[Count]:
    return sorted(store.hours.counts(hosts, AT + 50 * HOUR))


def test_attempts_are_counted_by_hour_client_and_class_where_their_names_are_bound(
    tmp_path: Path, clock: Clock
) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        some = [
            attempt(),
            attempt(),
            attempt(took=False),
            attempt(user=None),
            attempt(at=AT + HOUR),
        ]
        store.traffic.write(some, [])
        store.traffic.write([attempt(), attempt(bound=False), attempt(bound=None)], [])
        assert kept(store, "shop.example") == [
            Count(START, "shop.example", "refused", "user:ann", 1),
            Count(START, "shop.example", "trusted", "10.0.0.1", 1),
            Count(START, "shop.example", "trusted", "user:ann", 3),
            Count(START + HOUR, "shop.example", "trusted", "user:ann", 1),
        ]
        assert kept(store, "other.example") == []


def test_no_slot_holds_attempts_of_before_and_after_a_change(tmp_path: Path, clock: Clock) -> None:
    turn = AT + timedelta(minutes=5, microseconds=7)
    with BypassStore(tmp_path / "b", clock) as store:
        store.traffic.write([attempt()], [])
        store.hours.alter([Alteration(turn, "rule", "x", "gone")])
        late = [
            attempt(at=turn - timedelta(seconds=1)),
            attempt(at=turn),
            attempt(at=turn + timedelta(minutes=9)),
        ]
        store.traffic.write(late, [])
        assert [(one.slot, one.number) for one in kept(store, "shop.example")] == [
            (START, 2),
            (turn, 2),
        ]


def test_several_proxies_that_notice_one_change_tell_it_once(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        for seconds in (0, 3, 30):
            at = START + timedelta(seconds=seconds)
            store.hours.alter([Alteration(at, "rule", "x", "gone")])
        assert [one.at for one in store.hours.alterations(START)] == [START]
        store.hours.alter([Alteration(START + HOUR, "rule", "x", "gone again")])
        assert [one.text for one in store.hours.alterations(START + HOUR)] == ["gone again"]
        assert store.hours.alterations(START + timedelta(days=3)) == []


def test_changes_are_bounded_and_that_of_the_ca_stays(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        store.hours.alter([Alteration(START, "root", "ab", "another CA")])
        many = [Alteration(AT, "rule", f"h{n}", "gone") for n in range(hours.MAX_ALTERATIONS + 9)]
        store.hours.alter(many)
        found = store.hours.alterations(AT)
        assert len(found) == hours.MAX_ALTERATIONS
        assert found[0].what == "root"


def test_old_hours_become_days_that_count_what_clients_count_for(
    tmp_path: Path, clock: Clock
) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        store.traffic.write([attempt()] * 50 + [attempt(at=AT + HOUR)] * 2, [])
        store.traffic.prune(AT + 49 * HOUR)
        later = [attempt(at=AT + HOUR)]
        assert kept(store, "shop.example")[0].number in (UNITS, UNITS + 2)
        store.traffic.prune(AT + 60 * HOUR)
        store.traffic.prune(AT + 60 * HOUR)  # folding again changes nothing
        (one,) = kept(store, "shop.example")
        assert (one.client, one.number, one.slot.hour) == ("", UNITS + 2, 0)
        store.traffic.write(later, [])
        store.traffic.prune(AT + timedelta(days=12))
        assert kept(store, "shop.example") == []


def test_names_that_one_client_makes_up_push_out_no_real_host(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        real = [attempt(user=user) for user in ("ann", "ben")]
        made = [attempt(f"h{n}.made.example", user="eve") for n in range(500)]
        store.traffic.write([*real, *made], [])
        with store._db:
            store.hours.prune(AT, most=100)
        assert len(kept(store, "shop.example")) == 2
        (rows,) = store._db.execute("SELECT count(*) FROM attempt_hour").fetchone()
        assert rows <= 100


def test_clients_that_one_device_makes_up_push_out_no_user(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        made = [attempt(user=None, client=f"10.1.{n // 250}.{n % 250}") for n in range(600)]
        store.traffic.write([*made, attempt(user="zoe")], [])
        with store._db:
            store.hours.prune(AT, most=400)
        found = {one.client for one in kept(store, "shop.example")}
        assert "user:zoe" in found
        assert len(found) == hours.CROWD


def test_suspects_are_hosts_of_several_that_fail(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        store.traffic.write(
            [
                attempt("two.example", took=False), attempt("two.example", user="ben", took=False),
                attempt("one.example", took=False), attempt("one.example", user="ben"),
                attempt("old.example", at=AT - 3 * HOUR, took=False),
            ],
            [Passage(AT, "two.example", ".example", 1, 1, 1.0)],
        )  # fmt: skip
        assert store.hours.suspects(AT, 2) == ["two.example"]
        assert set(store.hours.suspects(AT, 1)) == {"two.example", "one.example"}
        assert store.hours.hosts(AT) == 2
        trust = store.hours.trust(["user:ann", "user:ben"])
        assert trust["user:ann"].first is None
        assert trust["user:ben"].last == START
        assert trust["user:ben"].failed == {"two.example"}
        (passed,) = store.hours.passed(["two.example"], AT)["two.example"]
        assert (passed.rule, passed.connections, passed.last) == (".example", 1, AT)
