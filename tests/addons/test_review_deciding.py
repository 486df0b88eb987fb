"""Decisions on the review page: who may make them, what they need, and that they are about what was shown."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from addons.bypass.learning import Candidate
from addons.bypass.rule import RuleRow
from addons.store.bypass_store import BypassStore
from tests.addons.reviewing import NOW, Visitor, form_of

HOST = "/candidate/bank.example"
GIVEN = {
    "owner": "net",
    "reason": "pinned app",
    "expires": "2027-02-01",
    "scope": "bank.example:443",
}


@pytest.fixture
def store(tmp_path: Path) -> Generator[BypassStore]:
    with BypassStore(tmp_path / "b.sqlite3", lambda: NOW, "bob") as opened:
        fields = (4.0, ("10.0.0.1",), NOW, NOW, "It refuses.")
        opened.propose(Candidate("bank.example", "certificate-pinned", *fields))
        yield opened


@pytest.fixture
def admin(store: BypassStore) -> Visitor:
    return Visitor(store.path)


def test_approving_needs_an_owner_a_reason_an_end_and_a_proposed_scope(
    admin: Visitor, store: BypassStore
) -> None:
    page = admin.get(HOST)
    for field, value in (
        ("owner", " "), ("reason", ""), ("expires", ""), ("scope", ".example"), ("expires", "x"),
        ("reason", "x" * 501), ("owner", "x" * 201),
    ):  # fmt: skip
        answer = admin.send(page, f"{HOST}/approve", **{**GIVEN, field: value})
        assert answer.status_code == 400, field
    assert store.rules() == []
    assert admin.send(page, f"{HOST}/approve", **GIVEN).status_code == 303
    (rule,) = [one.rule for one in store.rules()]
    assert (rule.pattern, rule.owner) == ("bank.example:443", "net")
    assert [e.by for e in store.audit()][-1] == "a admin"


def test_candidates_are_rejected_and_snoozed(admin: Visitor, store: BypassStore) -> None:
    for days in ("400", "\u00b2", "0", ""):
        page = admin.get(HOST)
        assert admin.send(page, f"{HOST}/snooze", days=days).status_code == 400, days
    assert admin.send(page, f"{HOST}/snooze", days="7").status_code == 303
    assert [one.state for one in store.candidates("snoozed")] == ["snoozed"]
    assert admin.send(admin.get(HOST), f"{HOST}/reject", reason="no").status_code == 303
    assert [one.state for one in store.candidates("rejected")] == ["rejected"]
    shown = form_of(admin.get(HOST), f"{HOST}/reject")
    assert admin.post(f"{HOST}/explode", shown).status_code == 400
    assert admin.post("/candidate/unknown.example/reject", shown).status_code == 400


def test_a_stale_form_is_refused_with_what_has_changed(admin: Visitor, store: BypassStore) -> None:
    page = admin.get(HOST)
    store.reject("bank.example", "it is not pinned")
    answer = admin.send(page, f"{HOST}/approve", **GIVEN)
    assert answer.status_code == 409
    assert "pending" in answer.text
    assert "rejected" in answer.text
    assert store.rules() == []
    assert [one.state for one in store.candidates()] == ["rejected"]
    # So is one that was made before somebody made a rule by hand.
    page = admin.get(HOST)
    store.add_rule(RuleRow(suffix="bank.example", action="block"))
    answer = admin.send(page, f"{HOST}/approve", **GIVEN)
    assert answer.status_code == 409
    assert "block .bank.example" in answer.text


def test_a_form_that_says_nothing_of_what_it_showed_decides_nothing(
    admin: Visitor, store: BypassStore
) -> None:
    shown = form_of(admin.get(HOST), f"{HOST}/approve")
    for field in ("", "{}", "[]", '{"state": 1}', "nonsense", "null"):
        assert admin.post(f"{HOST}/approve", {**shown, **GIVEN, "shown": field}).status_code == 400
    assert store.rules() == []


def test_a_rule_is_renewed_ended_and_removed_and_removing_asks(
    admin: Visitor, store: BypassStore
) -> None:
    store.add_rule(RuleRow(host="a.example", owner="net", reason="x"))
    where = "/rule?pattern=a.example"
    answer = admin.send(admin.get(where), "/rule/renew", expires="2027-03-01", reason="still")
    assert admin.get(answer.headers["location"]).count("goes on until 2027-03-01") == 1
    assert [one.rule.until for one in store.rules()] == ["2027-03-01"]
    page = admin.get(where)
    assert 'action="/rule/remove"' not in page
    assert 'action="/rule/end"' not in page
    assert admin.send(admin.get(f"{where}&ask=end"), "/rule/end").status_code == 303
    assert "ended" in admin.get(where)
    assert admin.send(admin.get(f"{where}&ask=remove"), "/rule/remove").status_code == 303
    assert store.rules() == []
    gone = admin.get(where, status=404)
    assert "no longer there" in gone
    assert [word in gone for word in ("remove", "expire", "renew", "add")] == [True] * 4


def test_what_must_not_pass_by_accident_goes_on_only_where_it_is_meant(
    admin: Visitor, store: BypassStore
) -> None:
    where = "/rule?pattern=.github.io"
    store.draft_rule(RuleRow(suffix="github.io", owner="net", reason="x"))
    assert "It is meant: Strangers register names below github.io" in admin.get(where)
    assert admin.send(admin.get(where), "/rule/approve").status_code == 400
    assert store.rules() == []
    assert admin.send(admin.get(where), "/rule/approve", meant="1").status_code == 303
    assert admin.send(admin.get(where), "/rule/renew", expires="2027-03-01").status_code == 400
    answer = admin.send(admin.get(where), "/rule/renew", expires="2027-03-01", meant="1")
    assert answer.status_code == 303
    assert [one.rule.until for one in store.rules()] == ["2027-03-01"]


def test_a_rule_that_somebody_changed_is_not_removed(admin: Visitor, store: BypassStore) -> None:
    store.add_rule(RuleRow(host="a.example", owner="net", reason="x"))
    page = admin.get("/rule?pattern=a.example&ask=remove")
    store.expire_rule("a.example", "at once")
    answer = admin.send(page, "/rule/remove")
    assert answer.status_code == 409
    assert "never" in answer.text
    assert [one.rule.until for one in store.rules()] == ["2026-11-23T09:00Z"]
    page = admin.get("/rule?pattern=a.example&ask=remove")
    store.remove_rule("a.example")
    assert admin.send(page, "/rule/remove").status_code == 409


def test_a_draft_waits_at_the_start_and_is_approved(admin: Visitor, store: BypassStore) -> None:
    store.draft_rule(RuleRow(host="a.example", owner="net", reason="x"))
    assert "a.example" in admin.get("/")
    assert store.rules() == []
    assert admin.send(admin.get("/rule?pattern=a.example"), "/rule/approve").status_code == 303
    assert [one.state for one in store.rules()] == ["approved"]


def test_what_an_entry_did_is_shown_and_undone(admin: Visitor, store: BypassStore) -> None:
    store.add_rule(RuleRow(host="a.example", owner="net", reason="x"))
    store.remove_rule("a.example")
    number = store.past.last()
    page = admin.get(f"/undo?entry={number}")
    assert "comes back: pass" in page
    assert admin.send(page, "/undo").status_code == 303
    assert [one.rule.pattern for one in store.rules()] == ["a.example"]
    # Once more it cannot be: the rule is not what the entry left.
    assert admin.send(page, "/undo").status_code == 400
    admin.get("/undo?entry=999", status=404)
    admin.get("/undo?entry=x", status=404)
    assert "nothing to take back" in admin.get("/undo?entry=1")


@pytest.mark.parametrize("role", ["viewer", "approver"])
def test_who_may_not_do_a_thing_is_not_offered_it_and_refused_with_words(
    store: BypassStore, role: str
) -> None:
    one = Visitor(store.path, role)  # type: ignore[arg-type]
    store.add_rule(RuleRow(host="a.example", owner="net", reason="x"))
    token = {"csrf": one.csrf()}
    pages = "".join(map(one.get, (HOST, "/rules", "/rule?pattern=a.example&ask=remove", "/add", "/import",
                                  "/undo?entry=2")))  # fmt: skip
    deeds = [f"{HOST}/approve", f"{HOST}/reject", "/rule/remove", "/add", "/import", "/undo"]
    may = deeds[:4] if role == "approver" else []
    for deed in deeds:
        assert (f'action="{deed}"' in pages) == (deed in may), deed
        if deed not in may:
            answer = one.post(deed, token)
            assert answer.status_code == 403, deed
            assert f"{role}" in answer.text
    assert len(store.rules()) == 1
