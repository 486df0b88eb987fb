"""What a person writes for a rule: patterns, ends, and connections to ask about."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.pattern import arrival, end, pattern_row, row_of
from addons.bypass.rule import Rule, rule_of
from detector.errors import ConfigError, TargetError, TlsightError

NOW = datetime(2026, 11, 23, 12, 30, 15, 999, UTC)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("a.com", {"host": "a.com"}),
        (".a.com", {"suffix": ".a.com"}),
        ("*.a.com", {"wildcard": "*.a.com"}),
        ("10.0.0.0/8", {"cidr": "10.0.0.0/8"}),
        ("192.0.2.1", {"cidr": "192.0.2.1"}),
        ("/a[0-9]+/", {"regex": "a[0-9]+"}),
        ("*", {"host": "*"}),
        ("a.com:443", {"host": "a.com", "port": 443}),
        (".a.com:443", {"suffix": ".a.com", "port": 443}),
        ("*.a.com:8443", {"wildcard": "*.a.com", "port": 8443}),
        ("*:5061", {"host": "*", "port": 5061}),
        ("10.0.0.0/8:443", {"cidr": "10.0.0.0/8", "port": 443}),
        ("2001:db8::1", {"cidr": "2001:db8::1"}),
        ("2001:db8::1:443", {"cidr": "2001:db8::1:443"}),
        ("[2001:db8::1]:443", {"cidr": "2001:db8::1", "port": 443}),
        ("[2001:db8::]/32:443", {"cidr": "2001:db8::/32", "port": 443}),
        ("2001:db8::/32:443", {"cidr": "2001:db8::/32", "port": 443}),
        ("/a[0-9]+/:443", {"regex": "a[0-9]+", "port": 443}),
    ],
)
def test_a_pattern_means_one_kind_of_rule(text: str, row: dict[str, object]) -> None:
    assert pattern_row(text) == row


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"/^(.+\.)?apple\.com:443$/", r"/(.+\.)?apple\.com/:443"),
        (r"/example\.com:443/", r"/example\.com/:443"),
        (r"/(^|\.)x\.com:443$/", r"/(?:.*[.])?x\.com/:443"),
        (r"/^a\.com:\d+$/", r"/a\.com/"),
        (r"/^a\.com(:443)?$/", r"/a\.com/"),
    ],
)
def test_the_port_of_a_regex_becomes_the_rules_port(written: str, meant: str) -> None:
    assert rule_of(row_of(written)).pattern == meant


@given(
    st.sampled_from(
        ("a.com", ".a.com", "*.a.com", "10.0.0.0/8", "2001:db8::/32", "/a[.]com/", "*")
    ),
    st.integers(1, 65535),
)
def test_what_list_shows_can_be_written_again(pattern: str, port: int) -> None:
    rule = rule_of(row_of(pattern, port=port))
    assert rule.port == port
    assert rule_of(row_of(rule.pattern)) == rule


@given(st.text(max_size=60))
def test_whatever_is_written_is_a_rule_or_one_clear_error(text: str) -> None:
    for ask in (lambda: rule_of(row_of(text)), lambda: arrival(text), lambda: end(text, NOW)):
        with suppress(ValueError, TlsightError):
            ask()


def test_two_ports_that_differ_are_told() -> None:
    with pytest.raises(ConfigError, match="is for port 443, and --port says 8443"):
        row_of("a.com:443", port=8443)
    assert row_of("a.com:443", port=443).port == 443
    with pytest.raises(TargetError, match="is port 443"):
        arrival("a.com:443", 8443)


def test_what_is_no_address_is_never_asked_about_as_one() -> None:
    for client, address in (("nonsense", None), ("10.0.0.0/8", None), (None, "b.com")):
        with pytest.raises(TargetError, match="is no address"):
            arrival("a.com", client=client, address=address)


def test_an_address_that_is_asked_about_is_one_for_ranges() -> None:
    rules = Matcher([Rule(network=rule_of(row_of("10.0.0.0/8")).network, reason="net"),
                     Rule(host="a.com", action="block", reason="name")])  # fmt: skip
    for text, reason in (("10.1.2.3", "net"), ("10.1.2.3:8443", "net"), ("[::ffff:10.1.2.3]:443", "net"),
                         ("11.1.2.3", None), ("A.com.", "name")):  # fmt: skip
        found = rules.match(arrival(text), NOW)
        assert (found.reason if found else None) == reason, text
    both = arrival("other.com", address="10.1.2.3")
    assert rules.match(both, NOW) is not None
    assert arrival("10.1.2.3:8443") == Arrival(None, "10.1.2.3", "10.1.2.3", 8443)
    assert arrival("a.com", client="10.0.0.1") == Arrival("a.com", "a.com", None, 443, "10.0.0.1")


def test_an_end_is_a_day_or_a_moment() -> None:
    for text, meant in (
        ("2027-06-30", date(2027, 6, 30)),
        ("90d", date(2027, 2, 21)),
        ("0d", date(2026, 11, 23)),
        ("2h", datetime(2026, 11, 23, 14, 30, 15, tzinfo=UTC)),
        ("30m", datetime(2026, 11, 23, 13, 0, 15, tzinfo=UTC)),
        ("2026-12-01T18:00Z", datetime(2026, 12, 1, 18, tzinfo=UTC)),
        ("2026-12-01T18:00+02:00", datetime(2026, 12, 1, 16, tzinfo=UTC)),
    ):
        found = end(text, NOW)
        assert (type(found), found) == (type(meant), meant), text
    assert end("1h", NOW) - NOW < timedelta(hours=1)  # type: ignore[operator]
    for text in ("soon", "", "99999999999d", "0h", "9" * 99 + "m", "-1h", "٣d"):
        with pytest.raises(ConfigError, match="no day and no moment"):
            end(text, NOW)
    with pytest.raises(ConfigError, match="is in no zone"):
        end("2026-12-01T18:00", NOW)


def test_a_field_of_a_wrong_kind_is_told() -> None:
    with pytest.raises(ConfigError, match="action"):
        row_of("a.com", action="explode")
