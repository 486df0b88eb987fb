"""What the pages of the review say: what needs somebody first, a list that is searched, a host that is explained."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from addons.bypass.attempt import Attempt
from addons.bypass.beside import Beside
from addons.bypass.learning import Candidate
from addons.bypass.rule import RuleRow
from addons.store.bypass_store import BypassStore
from addons.store.heartbeat import Heartbeat
from addons.store.joined import Known
from addons.store.traffic import Passage
from addons.store.unbound import Unbound
from tests.addons.reviewing import NOW, Visitor

HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> Generator[BypassStore]:
    with BypassStore(tmp_path / "b.sqlite3", lambda: NOW, "bob") as opened:
        yield opened


@pytest.fixture
def admin(store: BypassStore) -> Visitor:
    return Visitor(store.path)


def beat(store: BypassStore, name: str, seen: timedelta, **more: object) -> None:
    fields = (
        name,
        f"gateway {name}",
        7,
        "1.0",
        "12.2",
        "suggest",
        3,
        more.get("rules_file"),
        NOW - HOUR,
    )
    beside = more.get("beside", Beside())
    store.proxies.write(Heartbeat(*fields, NOW - seen, None, beside))  # type: ignore[arg-type]


def test_a_quiet_store_needs_nobody_but_a_proxy(admin: Visitor, store: BypassStore) -> None:
    page = admin.get("/")
    assert f"No proxy reads this store ({store.path})" in page
    beat(store, "one", timedelta())
    page = admin.get("/")
    assert "Nothing to decide" in page
    assert "1 proxy reads this store" in page


def test_the_start_shows_what_needs_somebody(admin: Visitor, store: BypassStore) -> None:
    end = NOW.date()
    store.add_rule(RuleRow(host="soon.example", owner="net", expires=end + timedelta(days=3)))
    store.add_rule(RuleRow(host="late.example", owner="net", expires=end + timedelta(days=99)))
    store.add_rule(RuleRow(host="over.example", owner="net", expires=end - timedelta(days=3)))
    fields = (4.0, ("10.0.0.1",), NOW, NOW, "It wants a certificate.")
    one = Candidate("mtls.example", "upstream-mtls", *fields)
    store.propose(one)
    store.try_out(one, RuleRow(host="mtls.example", port=443), NOW + HOUR)
    store.unbound.write(
        [Unbound(NOW, "soon.example", "192.0.2.1:443", "soon.example", "Not there.")]
    )
    beat(store, "one", timedelta(), beside=Beside(connection_strategy="lazy"))
    beat(store, "two", 2 * HOUR)
    page = admin.get("/")
    for text in (
        "mtls.example:443", "proxy&#39;s operator", "soon.example", "Not there.", "On trial",
        "connection_strategy=lazy", "is gone: seen last",
    ):  # fmt: skip
        assert text in page, text
    assert "late.example" not in page
    assert page.count("over.example") == 2  # among those that ended last: the link and its text


def test_times_have_a_zone(admin: Visitor, store: BypassStore) -> None:
    store.traffic.write([], [Passage(NOW, "a.example", "a.example", 1, 2, 1.0)])
    page = admin.get("/stats")
    assert (
        '<time datetime="2026-11-23T09:00:00Z" class="moment">2026-11-23 09:00 UTC</time>' in page
    )


def test_a_list_is_searched_sorted_and_paged_by_its_address(
    admin: Visitor, store: BypassStore
) -> None:
    rows = [RuleRow(host=f"h{n:03}.example", owner="net", reason="x") for n in range(120)]
    store.import_rules(rows, "test")
    first = admin.get("/rules")
    assert "h049.example" in first
    assert "h050.example" not in first
    assert "page 1 of 3" in first
    assert "h119.example" in admin.get("/rules?page=3")
    assert 'aria-sort="descending"' in admin.get("/rules?order=owner&down=1")
    assert "No rule is like that" in admin.get("/rules?q=nothing")
    for nonsense in (
        "page=-1",
        "page=x",
        "page=99999999999",
        "order=row;--",
        "life=x",
        "action=%00",
    ):
        admin.get(f"/rules?{nonsense}")


def test_a_host_is_explained_as_the_command_does(admin: Visitor, store: BypassStore) -> None:
    store.add_rule(
        RuleRow(suffix="bank.example", owner="net", reason="pinned", client="10.1.0.0/16")
    )
    store.add_rule(RuleRow(host="shop.bank.example", owner="sec", reason="seen", action="inspect"))
    store.traffic.write(
        [Attempt(NOW, "client", "api.bank.example", 443, "10.1.0.1", "failed", alert=46, alert_by="client")],
        [Passage(NOW, "www.bank.example", ".bank.example from 10.1.0.0/16", 1, 2_000_000, 1.0)],
    )  # fmt: skip
    page = admin.get("/host?host=api.bank.example")
    assert "is inspected" in page
    assert "is for clients in 10.1.0.0/16" in page
    assert "device&#39;s admin" in page
    page = admin.get("/host?host=api.bank.example&client=10.1.2.3")
    assert "passes uninspected" in page
    assert "Made by bob" in page
    assert "www.bank.example" in page  # what else passes by the same rule
    page = admin.get("/host?host=shop.bank.example:8443&client=10.1.2.3")
    assert "shop.bank.example:8443" in page
    assert "a more specific rule" in page
    assert "2.0 MB" in admin.get("/host?host=www.bank.example")
    for wrong in (
        "host=a%20b",
        "host=a&port=0",
        "host=a&client=x",
        "host=a:1&port=2",
        f"host={'a' * 300}",
    ):
        assert 'role="alert"' in admin.get(f"/host?{wrong}", status=400)


def test_a_host_is_explained_with_what_the_proxies_add(
    admin: Visitor, store: BypassStore, tmp_path: Path
) -> None:
    rules = tmp_path / "by-hand.toml"
    rules.write_text('[[rule]]\nhost = "kept.example"\naction = "block"\nreason = "by hand"\n')
    beat(store, "one", timedelta(), rules_file=str(rules), beside=Beside(ignore_hosts=("raw",)))
    page = admin.get("/host?host=kept.example")
    assert "is blocked" in page
    assert "in the file of rules" in page
    assert "ignore_hosts of the proxy (raw) matches it first" in admin.get("/host?host=raw.example")
    rules.write_text("[[rule]]\nhost = 7\n")
    assert "which this page cannot read" in admin.get("/host?host=kept.example")


def test_a_long_trail_is_searched_and_checked_when_asked(
    admin: Visitor, store: BypassStore
) -> None:
    rows = [RuleRow(host=f"h{n}.example", owner="net") for n in range(2500)]
    store.import_rules(rows, "a long list")
    page = admin.get("/audit")
    assert "check all of it now" in page
    assert "every link holds" in admin.get("/audit?check=1")
    assert "3 decisions" in admin.get("/audit?q=a+long+list")
    assert "1 decision, " in admin.get("/audit?q=h2200.example")
    assert "No entries" in admin.get("/audit?q=nobody.example")
    assert len(page) < 60_000  # of an entry of a thousand rules its beginning


HOSTILE = (
    "<script>alert(1)</script>.example", "'\"><img src=x onerror=alert(1)>.example", "{{7*7}}.example",
    "x\u202egnp.example", "a\x00b.example", "%2e%2e.example", "../../etc/passwd", "a" * 63 + ".example",
)  # fmt: skip


@pytest.mark.parametrize("host", [*HOSTILE, ".".join(["a" * 62] * 4)])
def test_names_that_clients_made_up_are_text(admin: Visitor, store: BypassStore, host: str) -> None:
    fields = (4.0, ("<b>10.0.0.1</b>",), NOW, NOW, "<i>It refuses.</i>")
    store.propose(Candidate(host, "certificate-pinned", *fields))
    store.traffic.write(
        [Attempt(NOW, "client", host, 443, "<b>", "failed", error="<b>\u202e\x1b[2J")],
        [Passage(NOW, host, host, 1, 2, 1.0)],
    )
    store.unbound.write([Unbound(NOW, host, "<i>", host, f"asked for {host}")])
    for where in ("/", "/candidates", "/stats", "/audit", f"/audit?q={quote(host[:9])}"):
        page = admin.client.get(where)
        assert page.status_code == 200
        for bad in (
            "<script>alert",
            "<img src=x",
            "<b>",
            "<i>",
            "49.example",
            "\u202e",
            "\x1b",
            "\x00",
        ):
            assert bad not in page.text, (where, bad)


def test_rules_that_hold_quotes_and_much_text_are_text(admin: Visitor, store: BypassStore) -> None:
    long = "<b>'\"&\u202e" * 1500
    store.add_rule(RuleRow(host="a.example", owner=long, reason=long, ticket=long, evidence=long))
    store.add_rule(RuleRow(regex="a[\"'<>&]+[.]example", owner='"><script>', reason="x"))
    pages = ["/rules", "/rules?owner=%22%3E%3Cscript%3E", "/rule?pattern=a.example&ask=remove",
             "/host?host=a.example", "/audit"]  # fmt: skip
    for where in pages:
        text = admin.get(where)
        for bad in ("<b>", '"><script>', "\u202e"):
            assert bad not in text, (where, bad)
    answer = admin.send(admin.get("/rule?pattern=a.example&ask=remove"), "/rule/remove")
    assert answer.status_code == 303
    assert [one.rule.regex for one in store.rules()] == ["a[\"'<>&]+[.]example"]


def test_the_start_tells_of_gateways_and_of_those_that_are_silent(
    admin: Visitor, store: BypassStore
) -> None:
    assert "Gateways" not in admin.get("/")
    store.gateways.know(Known("paris", heard=NOW - timedelta(minutes=2)))
    store.gateways.know(Known("oslo", heard=NOW - timedelta(hours=2), trouble="<its clock>"))
    store.gateways.know(Known("rome"))
    page = admin.get("/")
    assert page.count("proxy&#39;s operator") + page.count("proxy's operator") == 2
    for text in (
        "paris: heard last",
        "oslo: heard last",
        "&lt;its clock&gt;",
        "rome: not heard of yet",
    ):
        assert text in page, text
