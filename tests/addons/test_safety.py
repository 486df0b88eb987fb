"""What must not pass by accident, by the lists that come along."""

from __future__ import annotations

import ipaddress

import pytest

from addons.bypass.guarded import guarded
from addons.bypass.rule import Rule
from addons.bypass.safety import unsafe


def found(rule: Rule) -> list[str]:
    return [one.id for one in unsafe(rule, guarded())]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule(suffix="com"), ["public-suffix", "canary", "outer-name"]),
        (Rule(wildcard="co.uk"), ["public-suffix"]),
        (Rule(suffix="blob.core.windows.net"), ["public-suffix"]),
        (Rule(suffix="core.windows.net"), ["shared-names"]),
        (Rule(suffix="cloudfront.net"), ["public-suffix"]),
        (Rule(suffix="footprint.net"), ["shared-names"]),
        (Rule(suffix="amazonaws.com"), ["shared-names"]),
        (Rule(wildcard="amazonaws.com"), ["shared-names"]),
        (Rule(suffix="google.com"), ["shared-names", "canary"]),
        (Rule(host="www.google.com"), ["canary"]),
        (Rule(regex=r".*[.]akamaiedge[.]net"), ["wide-regex"]),
        (Rule(regex=r".*card.*"), ["wide-regex"]),
        (Rule(regex=r".*bank\.com"), ["wide-regex"]),
        (Rule(regex=r"api[0-9]+\.bank\.(com|net)"), []),
        (Rule(regex=r"api[.](bank|card)[.]com"), []),
        (Rule(suffix="bank.com"), []),
        (Rule(suffix="mine.blob.core.windows.net"), []),
        (Rule(host="d111.cloudfront.net"), []),
        (Rule(suffix="com", action="inspect"), []),
        (Rule(suffix="com", action="block"), []),
        (Rule(network=ipaddress.ip_network("0.0.0.0/0")), ["whole-network"]),
        (Rule(network=ipaddress.ip_network("128.0.0.0/1")), ["whole-network"]),
        (Rule(network=ipaddress.ip_network("10.0.0.0/8")), []),
        (Rule(network=ipaddress.ip_network("192.0.0.0/8")), ["whole-network"]),
        (Rule(network=ipaddress.ip_network("::/0")), ["whole-network"]),
        (Rule(network=ipaddress.ip_network("fd00::/8")), []),
        (Rule(port=443), ["everything"]),
        (Rule(client=ipaddress.ip_network("0.0.0.0/0")), ["everything"]),
        (Rule(client=ipaddress.ip_network("0.0.0.0/1"), port=5061), ["everything"]),
        (Rule(client=ipaddress.ip_network("10.0.0.0/24")), []),
        (Rule(port=5061), []),
    ],
)
def test_whose_names_would_pass(rule: Rule, expected: list[str]) -> None:
    assert found(rule) == expected


def test_a_remark_names_who_else_would_pass() -> None:
    texts = [one.text for one in unsafe(Rule(regex=r".*bank\.com"), guarded())]
    assert texts == ["It fits names of strangers, too: evilbank.com."]
    (shared,) = unsafe(Rule(suffix="windows.net"), guarded())
    assert "windows.net is hosting that strangers share" in shared.text
