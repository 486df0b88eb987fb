"""Rules by hand and lists of others on the review page: their plan first, then the deed."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path

import pytest

from addons.bypass.attempt import Attempt
from addons.bypass.feed import Edition, Settings
from addons.bypass.rule import RuleRow
from addons.store.bypass_store import BypassStore
from tests.addons.reviewing import NOW, Visitor, form_of

GIVEN = {
    "pattern": ".bank.example", "action": "pass", "owner": "net", "reason": "pinned", "expires": "30d",
}  # fmt: skip
LIST = "bank.example\n.shop.example\n10.0.0.0/99\n"
SENT = {"target": "zscaler", "owner": "net", "reason": "", "expires": "90d"}


@pytest.fixture
def store(tmp_path: Path) -> Generator[BypassStore]:
    with BypassStore(tmp_path / "b.sqlite3", lambda: NOW, "bob") as opened:
        hosts = ("api.bank.example", "www.bank.example", "www.shop.example")
        opened.traffic.write(
            [Attempt(NOW, "client", host, 443, "10.0.0.1", "accepted") for host in hosts], []
        )
        yield opened


@pytest.fixture
def admin(store: BypassStore) -> Visitor:
    return Visitor(store.path)


def test_a_rule_is_shown_before_it_is_there(admin: Visitor, store: BypassStore) -> None:
    planned = admin.send(admin.get("/add"), "/add", **GIVEN)
    assert planned.status_code == 200
    assert store.rules() == []
    for text in ("api.bank.example", "www.bank.example", "it fits 2 hosts", "2026-12-23"):
        assert text in planned.text, text
    assert "www.shop.example" not in planned.text
    assert admin.send(planned.text, "/add").status_code == 303
    (rule,) = [one.rule for one in store.rules()]
    assert (rule.pattern, rule.owner, rule.until) == (".bank.example", "net", "2026-12-23")
    again = admin.send(admin.get("/add"), "/add", **GIVEN)
    assert again.status_code == 400
    assert "is there already" in again.text


def test_a_rule_is_not_added_when_it_would_do_something_else_by_now(
    admin: Visitor, store: BypassStore
) -> None:
    planned = admin.send(admin.get("/add"), "/add", **GIVEN)
    store.add_rule(RuleRow(host="api.bank.example", owner="bob", reason="x"))
    answer = admin.send(planned.text, "/add")
    assert answer.status_code == 409
    assert "hosts that change" in answer.text
    # Nor with other fields than those that were shown.
    planned = admin.send(admin.get("/add"), "/add", **GIVEN)
    assert admin.send(planned.text, "/add", pattern=".example").status_code == 409
    assert len(store.rules()) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pattern", ""), ("pattern", "a b"), ("pattern", "/(a+/"), ("pattern", "*"), ("owner", " "),
        ("reason", ""), ("expires", "soon"), ("action", "explode"), ("port", "0"), ("port", "x"),
        ("client", "home"), ("ja4", "t13"), ("bind", "faith"), ("pattern", "a" * 1001),
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused_and_what_was_filled_in_stays(
    admin: Visitor, store: BypassStore, field: str, value: str
) -> None:
    answer = admin.send(admin.get("/add"), "/add", **{**GIVEN, "ticket": "T-1", field: value})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert 'value="T-1"' in answer.text
    assert store.rules() == []


def test_what_must_not_pass_by_accident_has_to_be_meant_by_an_admin(
    admin: Visitor, store: BypassStore
) -> None:
    wide = {**GIVEN, "pattern": ".com"}
    planned = admin.send(admin.get("/add"), "/add", **wide)
    assert "Strangers register names below com" in planned.text
    assert admin.send(planned.text, "/add").status_code == 400
    approver = Visitor(store.path, "approver")
    theirs = approver.send(approver.get("/add"), "/add", **wide)
    assert "Only an admin can add it" in theirs.text
    assert approver.send(theirs.text, "/add", meant="1").status_code == 400
    assert store.rules() == []
    assert admin.send(planned.text, "/add", meant="1").status_code == 303


def test_a_pasted_list_is_planned_then_done_and_can_be_undone(
    admin: Visitor, store: BypassStore
) -> None:
    planned = admin.send(admin.get("/import"), "/import", **SENT, text=LIST)
    assert planned.status_code == 200
    assert store.rules() == []
    for text in ("10.0.0.0/99", "www.shop.example", "No longer inspected"):
        assert text in planned.text, text
    done = admin.send(planned.text, "/import")
    assert done.status_code == 303
    rules = {one.rule.pattern: one.rule.owner for one in store.rules()}
    assert rules == {"bank.example": "net", ".shop.example": "net"}
    assert admin.send(planned.text, "/import").status_code == 400  # once
    assert admin.send(admin.get(done.headers["location"]), "/undo").status_code == 303
    assert store.rules() == []


def test_a_file_is_uploaded_and_replaces_what_it_does_not_have(
    admin: Visitor, store: BypassStore
) -> None:
    store.add_rule(RuleRow(host="old.example", owner="bob", reason="x"))
    fields = {**form_of(admin.get("/import"), "/import"), **SENT, "replace": "1"}
    rows = "".join(f"h{n}.example\n" for n in range(20_000)).encode()
    planned = admin.post("/import", fields, files={"file": ("<b>list</b>.txt", rows)})
    assert planned.status_code == 200
    assert "<b>list" not in planned.text
    assert "old.example" in planned.text
    assert admin.send(planned.text, "/import").status_code == 303
    assert len(store.placed()) == 20_000
    assert store.listing.one("old.example") is None


def test_a_list_is_shown_again_where_the_rules_have_changed(
    admin: Visitor, store: BypassStore
) -> None:
    planned = admin.send(admin.get("/import"), "/import", **SENT, text=LIST)
    store.add_rule(RuleRow(host="bank.example", owner="bob", reason="x", action="block"))
    again = admin.send(planned.text, "/import")
    assert again.status_code == 409
    assert "have changed since" in again.text
    assert [one.rule.action for one in store.rules()] == ["block"]
    assert "meant" in again.text  # it would turn round what bob decided
    assert admin.send(again.text, "/import", meant="1").status_code == 303


def test_a_list_waits_for_the_one_who_sent_it_and_not_for_ever(store: BypassStore) -> None:
    clock = [NOW]
    admin = Visitor(store.path, now=lambda: clock[0])
    planned = admin.send(admin.get("/import"), "/import", **SENT, text=LIST)
    token = re.search(r'name="token" value="([^"]+)"', planned.text)
    assert token is not None
    other = Visitor(store.path, now=lambda: clock[0])
    assert other.post("/import", {"csrf": other.csrf(), "token": token[1]}).status_code == 400
    clock[0] = NOW.replace(hour=10)
    assert "send it again" in admin.send(planned.text, "/import").text


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"text": ""}, "holds nothing"),
        ({"text": LIST, "target": "nothing"}, "is none of"),
        ({"text": LIST, "expires": "x"}, "is no day"),
        ({"text": LIST, "owner": ""}, "is missing"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_with_words(
    admin: Visitor, store: BypassStore, fields: dict[str, str], why: str
) -> None:
    answer = admin.send(admin.get("/import"), "/import", **{**SENT, **fields})
    assert answer.status_code == 400
    assert why in answer.text
    assert store.rules() == []


def test_a_list_that_names_a_file_of_the_server_does_not_get_it(
    admin: Visitor, store: BypassStore, tmp_path: Path
) -> None:
    secret = tmp_path / "acl"
    secret.write_text("secret.example\n")
    text = f'acl nobump ssl::server_name "{secret}"\nssl_bump splice nobump\n'
    answer = admin.send(admin.get("/import"), "/import", **{**SENT, "target": "squid"}, text=text)
    assert "secret.example" not in answer.text


def test_files_that_are_no_text_and_too_large_are_refused(admin: Visitor) -> None:
    fields = {**form_of(admin.get("/import"), "/import"), **SENT}
    answer = admin.post("/import", fields, files={"file": ("x", b"\xff\xfe\x00\xd8")})
    assert answer.status_code == 400
    assert admin.post("/import", {**fields, "text": "x" * (9 << 20)}).status_code == 413


def test_what_a_feed_passes_already_is_not_said_to_stop_being_inspected(
    admin: Visitor, store: BypassStore
) -> None:
    hosts = ("shop.example", "b.example")
    attempts = [Attempt(NOW, "client", host, 443, "10.0.0.1", "accepted") for host in hosts]
    store.traffic.write(attempts, [])
    store.feeds.add("ours", Settings("https://lists.example/", "list"))
    store.feeds.arrive("ours", Edition("aa", NOW, 1), (RuleRow(host="shop.example"),))
    store.feeds.accept("ours")
    fields = {**SENT, "target": "list", "text": "\n".join(hosts)}
    planned = admin.send(admin.get("/import"), "/import", **fields)
    assert "No longer inspected, of the traffic seen: b.example." in planned.text
