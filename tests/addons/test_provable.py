"""Whom a rule can be proved with."""

from __future__ import annotations

import ipaddress
from datetime import UTC, date, datetime

from addons.bypass.provable import NAMES_A_RULE, provable
from addons.bypass.rule import Rule
from detector.model.observation import Target

NOW = datetime(2026, 11, 30, tzinfo=UTC)
SEEN = ("www.bank.example", "a.cdn.example", "b.cdn.example", "10.1.2.3", "api7.example.com")


def asked(*rules: Rule, seen: tuple[str, ...] = SEEN) -> dict[str, list[str]]:
    found = provable(rules, seen, NOW)
    return {one.rule.pattern: [target.host for target in one.targets] for one in found}


def test_a_host_and_a_single_address_stand_for_themselves() -> None:
    rules = Rule(host="bank.example", port=8443), Rule(network=ipaddress.ip_network("192.0.2.7/32"))
    first, second = provable(rules, (), NOW)
    assert first.targets == (Target("bank.example", 8443, sni="bank.example"),)
    assert second.targets == (Target("192.0.2.7", 443),)


def test_what_names_several_takes_names_that_were_seen() -> None:
    rules = (
        Rule(suffix="bank.example"),
        Rule(wildcard="cdn.example"),
        Rule(network=ipaddress.ip_network("10.0.0.0/8")),
        Rule(regex="api[0-9]+[.]example[.]com"),
    )
    assert asked(*rules) == {
        ".bank.example": ["www.bank.example"],
        "*.cdn.example": ["a.cdn.example", "b.cdn.example"],
        "10.0.0.0/8": ["10.1.2.3"],
        "/api[0-9]+[.]example[.]com/": ["api7.example.com"],
    }


def test_a_name_for_which_another_rule_decides_proves_nothing() -> None:
    inspected = Rule(host="www.bank.example", action="inspect")
    assert asked(Rule(suffix="bank.example"), inspected) == {".bank.example": []}


def test_without_a_name_it_is_said_what_to_do() -> None:
    (one,) = provable([Rule(suffix="bank.example")], (), NOW)
    assert one.targets == ()
    assert "name one" in one.why


def test_a_rule_for_some_clients_is_not_asked_for_from_here() -> None:
    rules = (
        Rule(host="bank.example", client=ipaddress.ip_network("192.0.2.0/24")),
        Rule(ja4="t13d1516h2_8daaf6152771_02713d6af862"),
    )
    found = provable(rules, SEEN, NOW)
    assert [one.targets for one in found] == [(), ()]
    assert all("for some clients" in one.why for one in found)


def test_what_has_ended_or_does_not_pass_is_left_out() -> None:
    ended = Rule(host="a.example", expires=date(2026, 11, 29))
    assert asked(ended, Rule(host="b.example", action="block")) == {}


def test_of_one_rule_only_the_busiest_names_are_asked() -> None:
    many = tuple(f"n{number}.cdn.example" for number in range(50))
    assert asked(Rule(wildcard="cdn.example"), seen=many)["*.cdn.example"] == list(
        many[:NAMES_A_RULE]
    )
