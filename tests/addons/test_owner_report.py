"""An owner's report, from a store as administrators leave it."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from addons.bypass.rechecking import Server
from addons.bypass.rule import Rule, RuleRow
from addons.cli.report_page import page
from addons.store.bypass_store import BypassStore
from addons.store.owner_report import OwnerReport, owner_report
from addons.store.rechecking import Round
from addons.store.stored import StoredRule
from addons.store.traffic import Passage
from tests.addons.conftest import START, Clock

SINCE = date(2026, 9, 1)
EVIL = "<script>alert(1)</script>\u202e\x1b[31m"


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Generator[BypassStore]:
    with BypassStore(tmp_path / "b.sqlite3", clock, "ann") as opened:
        yield opened


def add(store: BypassStore, host: str, owner: str = "net", **more: object) -> None:
    fields = {
        "reason": "pinned app",
        "created": date(2026, 1, 1),
        "expires": date(2027, 1, 1),
        **more,
    }
    store.add_rule(RuleRow(host=host, owner=owner, **fields))  # type: ignore[arg-type]


def told(store: BypassStore, owner: str | None = None, *by_hand: Rule) -> OwnerReport:
    kept = [*(StoredRule(0, one, "approved", None) for one in by_hand), *store.rules(drafts=True)]
    return owner_report(store, kept, START, SINCE, owner)


def passed(store: BypassStore, rule: str, host: str, days: int, count: int = 1) -> None:
    at = START - timedelta(days=days)
    store.traffic.write([], [Passage(at, host, rule, 100, 900, 1.0, count)])


def test_an_owner_has_his_own_rules_whatever_the_case_of_his_name(store: BypassStore) -> None:
    add(store, "a.example", "Network Team")
    add(store, "b.example", "payments")
    add(store, "c.example", "")
    assert [one.pattern for one in told(store, "network team ").rules] == ["a.example"]
    assert [one.pattern for one in told(store, "").rules] == ["c.example"]
    assert [one.pattern for one in told(store).rules] == ["c.example", "a.example", "b.example"]


def test_traffic_is_told_for_the_time_asked_for_and_in_all(store: BypassStore) -> None:
    add(store, "a.example")
    passed(store, "a.example", "a.example", 200, 5)
    passed(store, "a.example", "a.example", 3, 2)
    passed(store, "a.example", "www.a.example", 1, 7)
    (one,) = told(store).rules
    traffic = one.traffic
    assert (traffic.connections, traffic.in_all, traffic.size) == (9, 14, 2000)
    assert (traffic.first, traffic.last) == (date(2026, 5, 7), date(2026, 11, 22))
    assert [(h.host, h.connections) for h in traffic.hosts] == [
        ("www.a.example", 7),
        ("a.example", 2),
    ]


def test_re_checks_of_our_own_are_no_traffic(store: BypassStore) -> None:
    add(store, "a.example")
    passed(store, "a.example", "a.example", 0, 3)
    kept = Round(store, START).finish(
        {("a.example", 443): Server("a.example", 443, "completed", "TLS")}
    )
    store.rechecks.keep([msgspec.structs.replace(kept[0], probes=(START, START))], ["a.example"])
    (one,) = told(store).rules
    assert (one.traffic.connections, one.traffic.in_all) == (1, 1)
    assert one.recheck is not None


def test_who_approved_is_told_by_the_trail_with_what_vouches_for_it(store: BypassStore) -> None:
    add(store, "a.example")
    store.renew_rule("a.example", date(2027, 6, 1), "still pinned")
    found = told(store)
    (one,) = found.rules
    assert one.approved is not None
    assert (one.approved.number, one.approved.action, one.approved.by) == (2, "renew", "ann")
    assert one.approved.digest == found.trail.head
    assert [each.number for each in one.decisions] == [1, 2]
    assert found.trail.holds


def test_a_trail_that_was_changed_is_told(store: BypassStore) -> None:
    add(store, "a.example")
    db = sqlite3.connect(store.path)
    db.execute("UPDATE audit SET by = 'eve'")
    db.commit()
    db.close()
    found = told(store)
    assert not found.trail.holds
    assert "The trail does not hold" in page(found)


def test_a_rule_of_a_file_has_no_trail_and_says_so(store: BypassStore) -> None:
    (one,) = told(store, None, Rule(host="hand.example", owner="net")).rules
    assert (one.by_hand, one.approved, one.decisions) == (True, None, ())
    assert "the trail says nothing of it" in page(told(store, None, Rule(host="hand.example")))


def test_what_ended_or_was_taken_away_since_then_is_listed_with_who_did_it(
    store: BypassStore, clock: Clock
) -> None:
    clock.at = START - timedelta(days=100)
    add(store, "long-gone.example")
    store.remove_rule("long-gone.example")
    clock.at = START - timedelta(hours=2)
    add(store, "over.example", expires=date(2026, 11, 1))
    add(store, "over-long.example", expires=date(2026, 8, 1))
    add(store, "removed.example", reason="the first")
    store.remove_rule("removed.example", "no longer")
    clock.at = START - timedelta(hours=1)
    add(store, "ended.example")
    store.expire_rule("ended.example", "now")
    add(store, "stays.example")
    found = told(store)
    assert [(one.pattern, one.how, one.by) for one in found.ended] == [
        ("over.example", "ended", None),
        ("removed.example", "remove", "ann"),
        ("ended.example", "ended by hand", "ann"),
    ]
    assert found.ended[1].reason == "the first"
    assert [one.pattern for one in told(store, "payments").ended] == []


def test_stages_are_counted(store: BypassStore) -> None:
    add(store, "a.example")
    add(store, "b.example", expires=START.date() + timedelta(days=3))
    add(store, "c.example", expires=START.date() - timedelta(days=3))
    store.draft_rule(RuleRow(host="d.example", owner="net"))
    assert told(store).stages == {"approved": 1, "expiring": 1, "ended": 1, "draft": 1}


def test_the_page_loads_nothing_and_takes_no_text_for_markup(store: BypassStore) -> None:
    add(store, "a.example", EVIL, reason=EVIL, ticket=EVIL)
    made = page(told(store))
    assert "<script" not in made
    assert "\x1b" not in made
    assert "\u202e" not in made
    assert "&lt;script&gt;" in made
    assert "default-src 'none'" in made
    assert "http" not in made.replace("http-equiv", "")


def test_several_owners_are_a_table_first(store: BypassStore) -> None:
    add(store, "a.example", "net")
    assert "<h2>Owners</h2>" not in page(told(store))
    add(store, "b.example", "")
    assert "<h2>Owners</h2>" in page(told(store))


def test_a_report_reads_back_as_it_was(store: BypassStore) -> None:
    add(store, "a.example", expires=START + timedelta(hours=5))
    found = told(store)
    assert msgspec.json.decode(msgspec.json.encode(found))["rules"][0]["pattern"] == "a.example"
