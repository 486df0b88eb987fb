"""What the store keeps of re-checks, and what it knows to judge by."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from addons.bypass.attempt import Attempt
from addons.bypass.proof import Proof, Same
from addons.bypass.rechecking import Inspected, Server, Use
from addons.bypass.rule import RuleRow
from addons.store import schema
from addons.store.bypass_store import BypassStore
from addons.store.rechecking import Round
from addons.store.rechecks import cases
from addons.store.traffic import Passage
from detector.model.observation import Target
from tests.addons.conftest import START, Clock

MADE = date(2026, 9, 1)
JA4 = "t13d1516h2_8daaf6152771_02713d6af862"


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Generator[BypassStore]:
    with BypassStore(tmp_path / "b.sqlite3", clock) as opened:
        yield opened


def add(store: BypassStore, **fields: object) -> str:
    row = RuleRow(**{"owner": "net", "reason": "x", "created": MADE, **fields})  # type: ignore[arg-type]
    return store.add_rule(row).pattern


def passed(store: BypassStore, at: datetime, rule: str, count: int = 1) -> None:
    store.traffic.write([], [Passage(at, "bank.example", rule, 100, 900, 1.0, count)])


def uses(store: BypassStore, now: datetime) -> dict[str, Use]:
    return {one.rule.pattern: one.use for one in cases(store, [s.rule for s in store.rules()], now)}


def kept(store: BypassStore, now: datetime, passed_by: int = 0) -> str:
    """A round in which one connection of ours went through; the state it found."""
    round_ = Round(store, now)
    (target,) = round_.through(None)
    nothing = Same(None, None, None, None)
    proof = Proof("tlsight.bypass-proof/1", now, target.host, target.port, None, "passes", "same-key",
                  "passes", None, nothing)  # fmt: skip
    found = round_.finish({}, [proof], {(target.host, target.port): passed_by}, "x")
    return found[0].state


def test_use_is_what_passed_in_thirty_days_and_last_is_whenever_it_was(
    store: BypassStore, clock: Clock
) -> None:
    rule = add(store, host="bank.example")
    passed(store, START - timedelta(days=40), rule, 7)
    assert uses(store, START) == {rule: Use(0, 0, (START - timedelta(days=40)).date())}
    passed(store, START - timedelta(days=3), rule, 2)
    assert uses(store, START) == {rule: Use(2, 1000, (START - timedelta(days=3)).date())}


def test_a_rule_that_only_probes_pass_by_is_unused_however_often_they_come(
    store: BypassStore, clock: Clock
) -> None:
    rule = add(store, host="bank.example")
    store.traffic.write([attempt("other.example", "10.0.0.9", 0, "accepted")], [])
    passed(store, START - timedelta(days=200), rule)
    for week in range(12):
        now = clock.at = START + timedelta(days=7 * week)
        store.traffic.write([attempt("other.example", "10.0.0.9", 7 * week, "accepted")], [])
        assert kept(store, now, passed_by=1) == "no-longer-needed"
        passed(store, now, rule)  # as the proxy tells a moment later
    assert uses(store, clock.at)[rule].last == (START - timedelta(days=200)).date()


def test_a_person_who_comes_beside_the_probes_counts(store: BypassStore, clock: Clock) -> None:
    rule = add(store, host="bank.example")
    kept(store, START, passed_by=1)
    passed(store, START, rule)
    assert uses(store, START)[rule].connections == 0
    passed(store, START, rule)
    assert uses(store, START)[rule] == Use(1, 2000, START.date())
    assert kept(store, START + timedelta(hours=1)) == "needed"


def attempt(host: str, client: str, days: float, outcome: str, **more: object) -> Attempt:
    at = START + timedelta(days=days)
    fields: dict[str, object] = {"address": "192.0.2.1", "bound": True, "alert": None, **more}
    return Attempt(at, "client", host, 443, client, outcome, **fields)  # type: ignore[arg-type]


def refusal(host: str, client: str, days: float, **more: object) -> Attempt:
    return attempt(host, client, days, "failed", alert=48, alert_by="client", **more)


def inspected(store: BypassStore) -> Inspected:
    (one,) = cases(store, [s.rule for s in store.rules()], START)
    return one.inspected


def test_clients_count_that_were_inspected_there_after_the_rule_was_made(
    store: BypassStore,
) -> None:
    add(store, host="bank.example", created=(START - timedelta(days=10)).date())
    store.traffic.write(
        [
            attempt("bank.example", "10.0.0.1", -2, "accepted"),
            attempt("bank.example", "10.0.0.2", -2, "accepted"),
            attempt("bank.example", "10.0.0.2", -1, "accepted"),
            attempt("bank.example", "10.0.0.3", -12, "accepted"),  # before there was the rule
            attempt(
                "bank.example", "10.0.0.4", -1, "accepted", bound=False
            ),  # somebody else's address
            attempt("other.example", "10.0.0.5", -1, "accepted"),
        ],
        [],
    )
    assert inspected(store) == Inspected(refused=0, taken=2)


def test_a_refusal_counts_of_a_client_that_trusts_the_proxy_elsewhere(store: BypassStore) -> None:
    add(store, host="bank.example")
    store.traffic.write(
        [refusal("bank.example", "10.0.0.1", -2), refusal("bank.example", "10.0.0.2", -2),
         attempt("other.example", "10.0.0.1", -2, "accepted")],
        [],
    )  # fmt: skip
    assert inspected(store) == Inspected(refused=1)


def test_past_the_proxy_conditions_on_clients_do_not_count_through_it_they_do(
    store: BypassStore,
) -> None:
    add(store, host="a.example", client="10.0.0.0/8")
    add(store, host="b.example", ja4=JA4)
    add(store, host="c.example")
    round_ = Round(store, START)
    assert {one.host for one in round_.through("192.0.2.9")} == {"c.example"}
    assert {one.host for one, _ in round_.past()} == {"a.example", "b.example"}
    assert {one.host for one in Round(store, START).through("10.1.2.3")} == {
        "a.example",
        "c.example",
    }
    assert not set(Round(store, START).through("no address")) - {
        Target("c.example", sni="c.example")
    }


def test_only_rules_for_a_fault_of_the_server_are_asked_thoroughly(store: BypassStore) -> None:
    add(store, host="a.example", evidence="upstream-mtls: The server asks.")
    add(store, host="b.example", evidence="certificate-pinned: 2 clients.")
    assert {(one.host, thorough) for one, thorough in Round(store, START).past()} == {
        ("a.example", True),
        ("b.example", False),
    }


def test_names_of_the_traffic_stand_for_a_rule_that_names_several(store: BypassStore) -> None:
    store.traffic.write([attempt("www.bank.example", "10.0.0.1", -1, "accepted")], [])
    add(store, suffix="bank.example", ja4=JA4)
    add(store, client="10.0.0.0/8")  # any host: nobody in particular to ask
    assert [one.host for one, _ in Round(store, START).past()] == ["www.bank.example"]


def test_what_was_looked_at_lately_is_told_as_it_was_found(
    store: BypassStore, clock: Clock
) -> None:
    add(store, host="a.example")
    silent = Server("a.example", 443, "silent", "nobody", None)
    Round(store, START).finish({("a.example", 443): silent}, by="x")
    clock.at = later = START + timedelta(days=3)
    add(store, host="b.example")
    round_ = Round(store, later, timedelta(days=7))
    assert [one.host for one, _ in round_.past()] == ["b.example"]
    found = round_.finish({}, by="x")
    assert [(one.pattern, one.at) for one in found] == [("a.example", START), ("b.example", later)]
    assert Round(store, later, timedelta(days=2)).past()[0][0].host == "a.example"


def test_nothing_at_all_reached_is_no_word_about_any_rule(store: BypassStore) -> None:
    for host in ("a.example", "b.example"):
        add(store, host=host)
    silent = {
        (host, 443): Server(host, 443, "silent", "no network", None)
        for host in ("a.example", "b.example")
    }
    assert {one.reason for one in Round(store, START).finish(silent)} == {"no-traffic"}
    one = {("a.example", 443): Server("a.example", 443, "completed", "TLS", "TLSv1.3")}
    assert {one.reason for one in Round(store, START).finish(silent | one)} == {
        "no-traffic",
        "gone",
    }


def test_only_the_first_look_that_finds_a_state_has_its_time_for_both(store: BypassStore) -> None:
    """By that it is told once, also where two looks lie within one second."""
    add(store, host="a.example")
    (first,) = Round(store, START).finish({})
    (second,) = Round(store, START).finish({})
    assert (first.at, first.since) == (START, START)
    assert second.since == START != second.at


def test_what_is_about_a_rule_that_is_gone_goes_with_it(store: BypassStore) -> None:
    add(store, host="a.example")
    add(store, host="b.example")
    Round(store, START).finish({})
    assert set(store.rechecks.all()) == {"a.example", "b.example"}
    store.remove_rule("a.example")
    later = START + timedelta(hours=1)
    Round(store, later).finish({})
    assert set(store.rechecks.all()) == {"b.example"}
    assert store.rechecks.last() == later


def test_the_trail_tells_what_changed_and_still_holds(store: BypassStore) -> None:
    add(store, host="a.example")
    Round(store, START).finish({}, by="http://proxy:8080")
    Round(store, START).finish({}, by="http://proxy:8080")
    first, second = [one for one in store.audit() if one.action == "recheck"]
    assert '"changed":[{"rule":"a.example","state":"cannot-tell"' in first.details
    assert '"changed":[]' in second.details


def test_a_store_of_old_that_may_not_be_written_has_none(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "old.sqlite3"
    db = sqlite3.connect(path)
    db.executescript(schema.MIGRATIONS[0])
    db.execute("PRAGMA user_version = 1")
    db.commit()
    db.close()
    with BypassStore(path, clock, read_only=True) as opened:
        assert opened.rechecks.all() == {}
