"""What stands out in a list of rules, and what does not."""

from __future__ import annotations

import ipaddress
from datetime import UTC, date, datetime, timedelta

import pytest

from addons.bypass.guarded import guarded
from addons.bypass.lint import exempted, lint
from addons.bypass.rule import Rule

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GOOD = {"reason": "pinned", "owner": "net", "expires": TODAY + timedelta(days=90)}


def found(*rules: Rule) -> list[str]:
    return [finding.id for finding in lint(rules, NOW, guarded=guarded())]


def test_a_rule_that_can_be_defended_is_left_alone() -> None:
    assert found(Rule(host="bank.example.com", **GOOD)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule(suffix="com", **GOOD), "public-suffix"),  # type: ignore[arg-type]
        (Rule(suffix="dropbox.com", **GOOD), "shared-names"),  # type: ignore[arg-type]
        (Rule(suffix="windows.net", **GOOD), "shared-names"),  # type: ignore[arg-type]
        (Rule(suffix="apple.com", **GOOD), "canary"),  # type: ignore[arg-type]
        (Rule(regex=".*bank.*", **GOOD), "wide-regex"),  # type: ignore[arg-type]
        (Rule(suffix="co.uk", **GOOD), "public-suffix"),  # type: ignore[arg-type]
        (Rule(wildcard="github.io", **GOOD), "public-suffix"),  # type: ignore[arg-type]
        (Rule(host="a.com", reason="r", owner="o", expires=TODAY - timedelta(1)), "expired"),
        (Rule(network=ipaddress.ip_network("10.0.0.0/8"), **GOOD), "wide-range"),  # type: ignore[arg-type]
        (Rule(client=ipaddress.ip_network("10.0.0.0/24"), **GOOD), "any-host"),  # type: ignore[arg-type]
        (Rule(host="a.com", client=ipaddress.ip_network("0.0.0.0/0"), **GOOD), "any-client"),  # type: ignore[arg-type]
        (Rule(suffix="files.dropbox.com", **GOOD), "risky-category"),  # type: ignore[arg-type]
        (Rule(host="evil.duckdns.org", **GOOD), "risky-category"),  # type: ignore[arg-type]
        (Rule(host="a.com"), "undefended"),
        (Rule(regex=".*example[.]com", **GOOD), "loose-regex"),  # type: ignore[arg-type]
        (Rule(host="a.com", reason="r", owner="o", expires=NOW), "expired"),
        (Rule(port=5061, **GOOD), "any-host"),  # type: ignore[arg-type]
        (Rule(host="a.com", bind="none", **GOOD), "unbound"),  # type: ignore[arg-type]
        (Rule(client=ipaddress.ip_network("10.0.0.0/24"), bind="none", **GOOD), "unbound"),  # type: ignore[arg-type]
        (Rule(host="203.0.113.7", **GOOD), "never-matches"),  # type: ignore[arg-type]
        (Rule(regex="a[.]com:443", **GOOD), "never-matches"),  # type: ignore[arg-type]
        (Rule(regex="a(?=b)", **GOOD), "regex-refused"),  # type: ignore[arg-type]
        (Rule(host="cloudflare-ech.com", **GOOD), "outer-name"),  # type: ignore[arg-type]
        (Rule(suffix="cloudflare-ech.com", **GOOD), "outer-name"),  # type: ignore[arg-type]
        (Rule(wildcard="com", **GOOD), "outer-name"),  # type: ignore[arg-type]
        (Rule(regex="cloudflare-.*[.]com", **GOOD), "outer-name"),  # type: ignore[arg-type]
    ],
)
def test_what_stands_out_is_named(rule: Rule, expected: str) -> None:
    assert expected in found(rule)


def test_rules_that_inspect_need_no_defence() -> None:
    assert found(Rule(suffix="com", action="inspect")) == []


def test_the_second_of_two_is_told() -> None:
    one = Rule(host="a.com", **GOOD)  # type: ignore[arg-type]
    again = Rule(host="a.com", reason="again", owner="x", expires=TODAY)
    other = Rule(host="a.com", action="block")
    assert found(one, again) == ["duplicate"]
    assert found(one, other) == ["contradiction"]


def test_a_rule_that_changes_nothing_is_told_and_an_exception_is_not() -> None:
    wide = Rule(suffix="bank.com", **GOOD)  # type: ignore[arg-type]
    assert found(wide, Rule(host="www.bank.com", **GOOD)) == ["shadowed"]  # type: ignore[arg-type]
    assert found(wide, Rule(host="id.bank.com", action="inspect")) == []
    assert found(wide, Rule(host="www.example.com", **GOOD)) == []  # type: ignore[arg-type]
    ported = Rule(suffix="bank.com", port=8443, **GOOD)  # type: ignore[arg-type]
    assert found(ported, Rule(host="www.bank.com", **GOOD)) == []  # type: ignore[arg-type]


def test_what_else_a_wildcard_would_exempt_is_told_from_the_traffic() -> None:
    seen = ["www.apple.com", "apple.com", "apple.com.evil.com", "192.0.2.1", "10.1.2.3"]
    assert exempted(Rule(suffix="apple.com"), seen) == ["www.apple.com", "apple.com"]
    assert exempted(Rule(wildcard="apple.com"), seen) == ["www.apple.com"]
    assert exempted(Rule(network=ipaddress.ip_network("10.0.0.0/8")), seen) == ["10.1.2.3"]


def test_what_asks_no_proof_of_an_address_or_hides_names_by_inspecting_is_left_alone() -> None:
    assert "unbound" not in found(Rule(network=ipaddress.ip_network("10.0.0.0/24"), bind="none"))
    assert "unbound" not in found(Rule(host="a.com", bind="none", action="inspect"))
    assert found(Rule(host="cloudflare-ech.com", action="inspect")) == []
    for bind in (None, "resolve", "certificate"):
        assert found(Rule(host="a.com", bind=bind, **GOOD)) == []  # type: ignore[arg-type]


def test_a_regex_that_is_not_in_force_says_what_becomes_of_its_hosts() -> None:
    told = {one.rule.action: one.text for one in lint(
        [Rule(regex="a(?=b)"), Rule(regex="b(?=c)", action="inspect")], NOW) if one.id == "regex-refused"}  # fmt: skip
    assert "its hosts are inspected" in told["pass"]
    assert "names that no other pattern fits are inspected" in told["inspect"]
