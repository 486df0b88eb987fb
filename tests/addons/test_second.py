"""What one person alone cannot do at a page that wants two: put a wide rule in force, or let one go on."""

from __future__ import annotations

from collections.abc import Generator
from datetime import date
from pathlib import Path

import pytest

from addons.bypass.change import Change
from addons.bypass.ledger import Placed, differences, replayed
from addons.bypass.rule import RuleRow, rule_of
from addons.review.access import COOKIE
from addons.review.people import Person
from addons.review.second import held, takes_two
from addons.store.bypass_store import BypassStore
from detector.errors import ConfigError
from tests.addons.reviewing import NOW, Visitor, form_of

WIDE = RuleRow(suffix="bank.example", owner="net", reason="pinned", expires=date(2026, 12, 1))
LATER = date(2054, 1, 1)


@pytest.fixture
def store(tmp_path: Path) -> Generator[BypassStore]:
    with BypassStore(tmp_path / "b.sqlite3", lambda: NOW, "bob") as opened:
        yield opened


def named(store: BypassStore, name: str) -> Visitor:
    found = Visitor(store.path)
    found.access.sessions[found.client.cookies[COOKIE]].person = Person(name, "admin")
    found.access.two_person = True
    return found


def renew(visitor: Visitor, until: str, pattern: str = ".bank.example") -> int:
    page = visitor.get(f"/rule?pattern={pattern}")
    return visitor.send(page, "/rule/renew", expires=until, reason="needed").status_code


def end(store: BypassStore, pattern: str = ".bank.example") -> tuple[str, str]:
    one = store.listing.one(pattern)
    assert one is not None
    return one.state, one.rule.until


def test_a_wide_rule_goes_on_when_a_second_person_asks_for_no_later_end(store: BypassStore) -> None:
    store.add_rule(WIDE)
    alice, carol = named(store, "alice"), named(store, "carol")
    for _ in range(2):  # twice is one person still
        assert renew(alice, "2027-03-01") == 303
        assert end(store) == ("approved", "2026-12-01")
    assert "alice asks that it goes on until" in carol.get("/rule?pattern=.bank.example")
    assert (
        form_of(carol.get("/rule?pattern=.bank.example"), "/rule/renew")["expires"] == "2027-03-01"
    )
    assert renew(carol, "2054-01-01") == 303  # later than she asked
    assert end(store) == ("approved", "2026-12-01")
    assert renew(carol, "2027-02-01") == 303
    assert end(store) == ("approved", "2027-02-01")
    # The wishes were about the rule as it was.
    assert renew(alice, "2027-02-15") == 303
    assert end(store) == ("approved", "2027-02-01")
    assert "asks that" not in carol.get("/rule?pattern=.bank.example").partition("alice asks")[0]
    assert not list(differences(replayed(store.audit()), *store.tables(), NOW))


def test_one_person_renews_what_is_narrow_and_shortens_what_is_wide(store: BypassStore) -> None:
    store.add_rule(WIDE)
    store.add_rule(RuleRow(host="a.bank.example", owner="net", expires=date(2026, 12, 1)))
    alice = named(store, "alice")
    assert renew(alice, "2027-03-01", "a.bank.example") == 303
    assert end(store, "a.bank.example") == ("approved", "2027-03-01")
    assert renew(alice, "2026-11-28") == 303
    assert end(store) == ("approved", "2026-11-28")


def test_a_wide_rule_that_ended_does_not_come_back_by_one(store: BypassStore) -> None:
    store.add_rule(WIDE)
    store.expire_rule(".bank.example", "over")
    before = end(store)
    assert renew(named(store, "alice"), "2027-03-01") == 303
    assert end(store) == before


def test_undoing_a_removal_brings_a_wide_rule_back_as_a_draft(store: BypassStore) -> None:
    store.add_rule(WIDE)
    store.add_rule(RuleRow(host="a.example"))
    for pattern in (".bank.example", "a.example"):
        store.remove_rule(pattern)
        number = store.past.last()
        alice = named(store, "alice")
        page = alice.get(f"/undo?entry={number}")
        assert ("waits for an approval" in page) == (pattern != "a.example")
        assert alice.send(page, "/undo").status_code == 303
    assert end(store) == ("draft", "2026-12-01")
    assert end(store, "a.example") == ("approved", "")
    assert [one.rule.pattern for one in store.rules()] == ["a.example"]
    for name, status in (("alice", 400), ("carol", 303)):
        visitor = named(store, name)
        page = visitor.get("/rule?pattern=.bank.example")
        assert visitor.send(page, "/rule/approve").status_code == status
    # With the approval undone it is the draft that alice brought about, whoever undid it.
    dora = named(store, "dora")
    number = store.past.last()
    assert dora.send(dora.get(f"/undo?entry={number}"), "/undo").status_code == 303
    assert end(store) == ("draft", "2026-12-01")
    for name, status in (("dora", 400), ("alice", 400), ("carol", 400), ("emil", 303)):
        visitor = named(store, name)
        page = visitor.get("/rule?pattern=.bank.example")
        assert visitor.send(page, "/rule/approve").status_code == status, name
    assert not list(differences(replayed(store.audit()), *store.tables(), NOW))


def test_undoing_what_ended_a_wide_rule_earlier_is_refused_while_it_is_in_force(
    store: BypassStore,
) -> None:
    store.add_rule(WIDE)
    store.renew_rule(".bank.example", date(2026, 11, 28))
    alice = named(store, "alice")
    page = alice.get(f"/undo?entry={store.past.last()}")
    assert "takes two people" in page
    assert 'action="/undo"' not in page
    # Who keeps a form from before does not get around it.
    fields = form_of(Visitor(store.path).get(f"/undo?entry={store.past.last()}"), "/undo")
    fields["csrf"] = alice.csrf()
    answer = alice.post("/undo", fields)
    assert answer.status_code == 400
    assert "takes two people" in answer.text
    assert end(store) == ("approved", "2026-11-28")


def test_a_list_makes_no_wide_rule_longer_and_its_wide_ones_wait(store: BypassStore) -> None:
    store.add_rule(WIDE)
    alice = named(store, "alice")
    sent = {"target": "list", "owner": "net", "reason": "vendor", "expires": "2054-01-01"}
    for target, text, status in (
        ("list", ".shop.example\nb.example\n", 200),
        ("csv", "pattern,expires\n.bank.example,2054-01-01\n", 400),
    ):
        answer = alice.send(
            alice.get("/import"), "/import", **{**sent, "target": target}, text=text
        )
        assert answer.status_code == status, answer.text
        if status == 200:
            assert "another person has to approve it first: .shop.example" in answer.text
            assert alice.send(answer.text, "/import").status_code == 303
        else:
            assert "takes two people" in answer.text
    assert end(store, ".shop.example") == ("draft", "2054-01-01")
    for name, status in (("alice", 400), ("carol", 303)):
        visitor = named(store, name)
        page = visitor.get("/rule?pattern=.shop.example")
        assert visitor.send(page, "/rule/approve").status_code == status
    assert end(store, ".shop.example")[0] == "approved"
    assert end(store, "b.example") == ("approved", "2054-01-01")
    assert end(store) == ("approved", "2026-12-01")


@pytest.mark.parametrize(
    ("before", "after", "two"),
    [
        (None, WIDE, True),
        (WIDE, RuleRow(suffix="bank.example", expires=date(2026, 12, 1), owner="else"), False),
        (WIDE, RuleRow(suffix="bank.example", expires=date(2026, 11, 30)), False),
        (WIDE, RuleRow(suffix="bank.example", expires=LATER), True),
        (WIDE, RuleRow(suffix="bank.example"), True),
        (RuleRow(suffix="bank.example"), RuleRow(suffix="bank.example", expires=LATER), False),
        (RuleRow(suffix="bank.example", action="inspect"), RuleRow(suffix="bank.example"), True),
        (RuleRow(suffix="bank.example", bind="resolve"), RuleRow(suffix="bank.example"), True),
        (None, RuleRow(suffix="bank.example", action="block"), False),
        (None, RuleRow(host="bank.example"), False),
    ],
)  # fmt: skip
def test_two_are_needed_where_more_passes_or_for_longer(
    before: RuleRow | None, after: RuleRow, *, two: bool
) -> None:
    assert takes_two(rule_of(before) if before else None, rule_of(after)) is two


def test_a_rule_that_ended_or_is_on_trial_is_not_in_force_before() -> None:
    ended = Placed(RuleRow(suffix="bank.example", expires=date(2026, 1, 1)))
    for before in (
        ended,
        Placed(WIDE, "trial", "2026-11-24T09:00:00+00:00"),
        Placed(WIDE, "draft"),
    ):
        change = Change(".bank.example", before, Placed(WIDE))
        assert held(change, NOW).after == Placed(WIDE, "draft")
    inspected = Placed(RuleRow(suffix="bank.example", action="inspect"))
    with pytest.raises(ConfigError, match="two people"):
        held(Change(".bank.example", inspected, Placed(WIDE)), NOW)
