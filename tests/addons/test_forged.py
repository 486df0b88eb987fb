"""Which names a forged leaf may hold, asked through the matcher that decides about connections."""

from __future__ import annotations

from datetime import date

import pytest

from addons.bypass.forged import Parents, may_hold
from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.rule import Rule, RuleRow, rule_of
from detector.chain.names import as_address

TODAY = date(2026, 11, 30)


def kept(names: str, *rows: RuleRow) -> str:
    """Of these names those that a forged leaf may hold under these rules."""
    rules: list[Rule] = [rule_of(row) for row in rows]
    matcher, parents = Matcher(rules), Parents(rules)

    def apart(name: str) -> bool:
        address = name if as_address(name) else "203.0.113.10"
        found = Arrival(None if as_address(name) else name, None, address, 443, "192.0.2.1")
        rule = matcher.match(found, TODAY)
        return rule is not None and rule.action != "inspect"

    return " ".join(name for name in names.split() if may_hold(name, apart, parents))


def test_names_that_pass_or_are_blocked_go_and_the_rest_stays() -> None:
    rules = RuleRow(host="bank.test"), RuleRow(host="bad.test", action="block")
    assert kept("bank.test shop.test bad.test", *rules) == "shop.test"


def test_an_inspect_rule_brings_a_name_back() -> None:
    rules = RuleRow(suffix="bank.test"), RuleRow(host="open.bank.test", action="inspect")
    assert kept("bank.test www.bank.test open.bank.test", *rules) == "open.bank.test"


@pytest.mark.parametrize(
    "row",
    [
        RuleRow(host="bank.corp.test"),
        RuleRow(host="bank.corp.test", action="block"),
        RuleRow(suffix="bank.corp.test"),
        RuleRow(suffix="corp.test"),
        RuleRow(suffix="test"),
        RuleRow(wildcard="*.corp.test"),
        RuleRow(regex="b[ao]nk[.]corp[.]test"),
        RuleRow(cidr="203.0.113.0/24"),
        RuleRow(client="192.0.2.0/24"),
    ],
)
def test_a_wildcard_goes_where_a_rule_reaches_what_it_covers(row: RuleRow) -> None:
    assert kept("*.corp.test", row) == ""
    assert kept("*.CORP.test", row) == ""


@pytest.mark.parametrize(
    "row",
    [
        RuleRow(host="corp.test"),
        RuleRow(host="www.bank.corp.test"),
        RuleRow(suffix="deep.bank.corp.test"),
        RuleRow(host="bank.other.test"),
        RuleRow(host="bank.corp.test", action="inspect"),
        RuleRow(cidr="198.51.100.0/24"),
        RuleRow(client="198.51.100.0/24"),
    ],
)
def test_a_wildcard_stays_where_no_rule_reaches_what_it_covers(row: RuleRow) -> None:
    assert kept("*.corp.test", row) == "*.corp.test"


def test_wildcards_of_other_forms_go_as_nobody_agrees_what_they_cover() -> None:
    assert kept("w*.corp.test *.*.test * a.*.test", RuleRow(host="bank.corp.test")) == ""


def test_addresses_go_by_the_ranges_that_pass() -> None:
    assert kept("10.1.2.3 192.0.2.7 2001:db8::1", RuleRow(cidr="10.0.0.0/8")) == (
        "192.0.2.7 2001:db8::1"
    )


def test_no_rule_leaves_every_wildcard() -> None:
    assert "corp.test" not in Parents()
    assert kept("*.corp.test bank.test") == "*.corp.test bank.test"
