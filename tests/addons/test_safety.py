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


@pytest.mark.parametrize(
    "name",
    [
        "nip.io", "sslip.io", "xip.io", "firebaseio.com", "bc.googleusercontent.com", "elb.eu-west-1.amazonaws.com",
        "eu-west-1.elb.amazonaws.com", "westeurope.cloudapp.azure.com", "database.windows.net", "vo.msecnd.net",
        "sharepoint.com", "my.salesforce.com", "service-now.com", "execute-api.us-gov-west-1.amazonaws.com",
        "eu-central-1.compute.amazonaws.com",
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["suffix", "wildcard", "regex"])
def test_a_zone_in_which_a_service_names_its_customers_is_nobodys_to_pass(
    name: str, form: str
) -> None:
    given = rf".*\.{name.replace('.', '[.]')}" if form == "regex" else name
    ids = found(Rule(**{form: given}))  # type: ignore[arg-type]
    assert {"shared-names", "public-suffix", "wide-regex"} & {*ids}


def test_the_name_above_an_open_zone_holds_it_and_a_customers_own_name_is_his() -> None:
    assert found(Rule(suffix="eu-west-1.amazonaws.com")) == ["shared-names"]
    assert found(Rule(suffix="cloudapp.azure.com")) == ["shared-names"]
    assert found(Rule(suffix="azure.com")) == ["shared-names"]
    for mine in (
        "mine-1.elb.eu-west-1.amazonaws.com",
        "mine.westeurope.cloudapp.azure.com",
        "mine.sharepoint.com",
    ):
        assert found(Rule(host=mine)) == found(Rule(suffix=mine)) == []


def test_a_zone_has_one_open_label_at_most_and_not_among_the_last_two() -> None:
    for name in guarded().shared:
        labels = name.split(".")
        assert labels.count("*") <= 1
        assert "*" not in labels[-2:]
