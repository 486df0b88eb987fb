import ipaddress
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.matcher import Connection, Matcher
from addons.bypass.rule import Rule

TODAY = date(2026, 11, 23)
RULES = (
    Rule(host="bank.example", reason="host"),
    Rule(suffix="apple.com", reason="suffix"),
    Rule(suffix="deep.apple.com", port=8443, reason="deeper"),
    Rule(host="old.example", expires=TODAY - timedelta(days=1), reason="expired"),
    Rule(host="last.example", expires=TODAY, reason="last day"),
    Rule(network=ipaddress.ip_network("10.0.0.0/8"), reason="net"),
    Rule(network=ipaddress.ip_network("10.9.0.0/16"), port=25, reason="narrow"),
    Rule(network=ipaddress.ip_network("2001:db8::/32"), reason="net6"),
)


def why(
    sni: str | None, host: str | None = None, address: str | None = None, port: int = 443
) -> str | None:
    found = Matcher(RULES).match(Connection(sni, host, address, port), TODAY)
    return found.reason if found else None


@pytest.mark.parametrize(
    ("sni", "expected"),
    [
        ("bank.example", "host"),
        ("BANK.Example.", "host"),
        ("www.bank.example", None),
        ("apple.com", "suffix"),
        ("a.b.apple.com", "suffix"),
        ("notapple.com", None),
        ("apple.com.evil.com", None),
        ("x.deep.apple.com", "suffix"),
        ("old.example", None),
        ("last.example", "last day"),
        ("", None),
        ("nonsense name", None),
    ],
)
def test_names(sni: str, expected: str | None) -> None:
    assert why(sni) == expected


def test_a_port_narrows_a_rule() -> None:
    assert why("x.deep.apple.com", port=8443) == "deeper"


def test_the_sni_decides_before_the_connect_host() -> None:
    assert why("evil.example", "bank.example") is None
    assert why(None, "bank.example") == "host"
    assert why(None, "Bank.Example.") == "host"


@pytest.mark.parametrize(
    ("host", "address", "port", "expected"),
    [
        (None, "10.1.2.3", 443, "net"),
        (None, "10.9.2.3", 443, "net"),
        (None, "10.9.2.3", 25, "narrow"),
        ("10.1.2.3", None, 443, "net"),
        (None, "::ffff:10.1.2.3", 443, "net"),
        (None, "2001:db8::1", 443, "net6"),
        (None, "fe80::1%eth0", 443, None),
        (None, "11.1.2.3", 443, None),
    ],
)
def test_addresses(host: str | None, address: str | None, port: int, expected: str | None) -> None:
    assert why(None, host, address, port) == expected
    assert why("unlisted.example", host, address, port) == expected


def test_no_rules_let_nothing_through() -> None:
    assert Matcher().match(Connection("a.com", "a.com", "10.0.0.1", 443), TODAY) is None
    assert why(None) is None


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=40), st.integers(0, 70000))
def test_any_input_is_answered(sni: str, host: str, address: str, port: int) -> None:
    Matcher(RULES).match(Connection(sni, host, address, port), TODAY)
