"""Which rule decides, over every kind of pattern and condition."""

from __future__ import annotations

import ipaddress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.rule import Rule
from detector.model.targets import PLAIN_NAME, normal_host

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
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
    found = Matcher(RULES).match(Arrival(sni, host, address, port), NOW)
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
    assert Matcher().match(Arrival("a.com", "a.com", "10.0.0.1", 443), NOW) is None
    assert why(None) is None


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=40), st.integers(0, 70000))
def test_any_input_is_answered(sni: str, host: str, address: str, port: int) -> None:
    Matcher(RULES).match(Arrival(sni, host, address, port), NOW)


def deciding(rules: tuple[Rule, ...], connection: Arrival) -> str | None:
    found = Matcher(rules).match(connection, NOW)
    return found.reason if found else None


JA4 = "t13d1516h2_8daaf6152771_02713d6af862"
NET = ipaddress.ip_network
KINDS = (
    Rule(ja4=JA4, reason="any"),
    Rule(regex="a[.].*", reason="regex"),
    Rule(network=NET("192.0.2.0/24"), reason="wide range"),
    Rule(network=NET("192.0.2.1/32"), reason="narrow range"),
    Rule(suffix="example", reason="short suffix"),
    Rule(suffix="b.example", reason="long suffix"),
    Rule(wildcard="b.example", reason="wildcard"),
    Rule(host="a.b.example", reason="host"),
)


def test_the_most_specific_kind_of_rule_wins() -> None:
    """Taking away the winner each time lists the kinds in their order."""
    rules, order = list(KINDS), []
    there = Arrival("a.b.example", None, "192.0.2.1", 443, ja4=JA4)
    while (found := Matcher(rules).match(there, NOW)) is not None:
        order.append(found.reason)
        rules.remove(found)
    assert order == [
        "host", "wildcard", "long suffix", "short suffix", "narrow range", "wide range", "regex",
        "any",
    ]  # fmt: skip


def test_a_wildcard_is_one_label() -> None:
    rules = (Rule(wildcard="b.example", reason="yes"),)
    for name, expected in (("a.b.example", "yes"), ("b.example", None), ("x.a.b.example", None)):
        assert deciding(rules, Arrival(name, None, None, 443)) == expected


def test_more_conditions_win_and_inspecting_wins_at_equal_rank() -> None:
    plain = Rule(host="a.com", reason="plain")
    port = Rule(host="a.com", port=443, reason="port")
    client = Rule(host="a.com", client=NET("10.0.0.0/8"), reason="client")
    narrow = Rule(host="a.com", client=NET("10.1.0.0/16"), reason="narrow client")
    both = Rule(host="a.com", port=443, client=NET("10.0.0.0/8"), reason="both")
    here = Arrival("a.com", None, None, 443, client="10.1.2.3")
    assert deciding((plain, port), here) == "port"
    assert deciding((client, narrow), here) == "narrow client"
    assert deciding((plain, port, client, narrow, both), here) == "both"
    assert deciding((client,), Arrival("a.com", None, None, 443, client="192.0.2.9")) is None
    inspect = Rule(host="a.com", action="inspect", reason="inspect")
    block = Rule(host="a.com", action="block", reason="block")
    for order in ((plain, block, inspect), (inspect, block, plain)):
        assert deciding(order, here) == "inspect"
    assert deciding((plain, block), here) == "block"


def test_an_exception_from_a_wider_rule_is_a_rule_that_inspects() -> None:
    rules = (
        Rule(suffix="apple.com", reason="pass"),
        Rule(host="login.apple.com", action="inspect", reason="not this one"),
    )
    assert deciding(rules, Arrival("www.apple.com", None, None, 443)) == "pass"
    assert deciding(rules, Arrival("login.apple.com", None, None, 443)) == "not this one"


def test_every_fitting_rule_is_told_with_what_keeps_it_from_deciding() -> None:
    rules = (
        Rule(host="a.com", port=8443, reason="port"),
        Rule(host="a.com", expires=TODAY - timedelta(days=1), reason="old"),
        Rule(suffix="a.com", reason="suffix"),
        Rule(suffix="com", reason="wide"),
    )
    told = {
        rule.reason: why
        for rule, why in Matcher(rules).considered(Arrival("a.com", None, None, 443), NOW)
    }
    assert told == {
        "port": "is for port 8443",
        "old": f"expired on {TODAY - timedelta(days=1)}",
        "suffix": "decides",
        "wide": "a more specific rule, or one that inspects, comes first",
    }


@given(st.from_regex(PLAIN_NAME, fullmatch=True))
def test_a_name_that_needs_no_normalising_is_normal(name: str) -> None:
    assert len(name) > 253 or normal_host(name) == name


def test_names_with_empty_labels_match_nothing() -> None:
    """What cannot be a name is inspected, however it ends."""
    for name in ("x..bank.example", ".bank.example", "-.bank.example", "bank.example.."):
        assert (
            deciding((Rule(suffix="bank.example", reason="x"),), Arrival(name, None, None, 443))
            is None
        )


def test_of_thousands_of_regexes_those_that_match_decide() -> None:
    rules = [Rule(regex=f"api{n}-[0-9]+[.]example[.]com", reason=str(n)) for n in range(2000)]
    matcher = Matcher(rules)
    for n in (0, 77, 1999):
        found = matcher.match(Arrival(f"API{n}-5.example.com", None, None, 443), NOW)
        assert found is rules[n]
    assert matcher.match(Arrival("api77-x.example.com", None, None, 443), NOW) is None


def test_a_regex_that_is_not_in_force_never_lets_more_pass() -> None:
    """It passes nothing; and where it kept something from passing, whatever it may have meant is inspected."""
    wide = Rule(client=NET("10.0.0.0/8"), reason="any host")
    here = Arrival("a.com", None, None, 443, client="10.0.0.1")
    passing = Rule(regex="a(?=[.]com).*", reason="passes")
    assert deciding((passing,), here) is None
    assert deciding((wide, passing), here) == "any host"
    for action in ("inspect", "block"):
        keeping = Rule(regex="b(?=[.]com).*", action=action, reason="keeps back")  # type: ignore[arg-type]
        matcher = Matcher((wide, keeping))
        found = matcher.match(here, NOW)
        assert found is not None
        assert (found.reason, found.action) == ("keeps back", "inspect")
        assert [(rule, "look ahead" in why) for rule, why in matcher.unsaid] == [(keeping, True)]
        assert [rule.reason for rule, _ in matcher.considered(here, NOW)] == [
            "keeps back",
            "any host",
        ]
        assert deciding((wide, keeping, Rule(host="a.com", reason="host")), here) == "host"
    ported = Rule(regex="b(?=[.]com).*", action="inspect", port=25)
    assert deciding((wide, ported), here) == "any host"


def test_any_host_of_one_port_passes_there_alone() -> None:
    rules = (Rule(port=5061, reason="sip"),)
    assert deciding(rules, Arrival("a.com", None, None, 5061)) == "sip"
    assert deciding(rules, Arrival(None, None, "192.0.2.1", 5061)) == "sip"
    assert deciding(rules, Arrival("a.com", None, None, 443)) is None


@pytest.mark.parametrize(
    ("sni", "asked", "address", "expected"),
    [
        ("bank.example", "bank.example", None, "pass"),
        ("bank.example", "BANK.example.", None, "pass"),
        (None, "bank.example", None, "pass"),
        ("bank.example", "192.0.2.1", "192.0.2.1", "pass"),
        ("bank.example", "shop.example", None, "pass"),
        ("bank.example", "other.example", None, "inspect, but for other.example"),
        ("other.example", "bank.example", None, "inspect"),
        ("bank.example", "seen.example", None, "inspect, but for seen.example"),
        ("bank.example", "bad.example", None, "block"),
        ("bad.example", "bank.example", None, "block"),
        ("other.example", "bad.example", None, "block"),
        ("anything.example", "nothing.example", "10.0.0.1", "pass"),
        ("anything.example", "bad.example", "10.0.0.1", "block"),
    ],
)
def test_of_two_names_both_must_pass_and_one_that_is_blocked_is_enough(
    sni: str | None, asked: str, address: str | None, expected: str
) -> None:
    matcher = Matcher([
        Rule(host="bank.example"),
        Rule(host="shop.example"),
        Rule(host="seen.example", action="inspect"),
        Rule(host="bad.example", action="block"),
        Rule(network=ipaddress.ip_network("10.0.0.0/8")),
    ])  # fmt: skip
    found = matcher.decide(Arrival(sni, asked, address, 443), NOW)
    told = found.rule.action if found.rule is not None else "inspect"
    if found.but is not None:
        told = f"{told}, but for {asked}"
        assert asked in found.why
    assert told == expected


def test_a_rule_beneath_is_asked_where_none_of_ones_own_applies() -> None:
    own = (
        Rule(suffix="example.com", action="inspect", reason="own"),
        Rule(host="late.example.org", expires=TODAY - timedelta(days=1), reason="ended"),
        Rule(host="port.example.org", port=8443, action="block", reason="another port"),
    )
    beneath = (
        Rule(host="a.example.com", reason="feed"),
        Rule(suffix="example.org", reason="feed"),
    )
    matcher = Matcher(own, beneath)
    found = {
        name: rule.reason if (rule := matcher.match(Arrival(name, None, None, 443), NOW)) else None
        for name in ("a.example.com", "late.example.org", "port.example.org", "other.example.net")
    }
    assert found == {
        "a.example.com": "own", "late.example.org": "feed", "port.example.org": "feed",
        "other.example.net": None,
    }  # fmt: skip
    assert matcher.count == 5


def test_what_lies_beneath_is_told_behind_ones_own() -> None:
    own = (Rule(suffix="example.com", action="inspect", reason="own"),)
    beneath = (Rule(host="a.example.com", reason="feed"), Rule(suffix="com", reason="wide"))
    told = Matcher(own, beneath).considered(Arrival("a.example.com", None, None, 443), NOW)
    assert [(rule.reason, why) for rule, why in told] == [
        ("own", "decides"),
        ("feed", "a rule of one's own comes first"),
        ("wide", "a more specific rule, or one that inspects, comes first"),
    ]
    told = Matcher((), beneath).considered(Arrival("a.example.com", None, None, 443), NOW)
    assert next(why for _, why in told) == "decides"


def test_both_names_have_to_pass_through_whichever_layers() -> None:
    matcher = Matcher(
        (Rule(host="own.example", reason="own"), Rule(host="no.example", action="inspect")),
        (Rule(host="feed.example", reason="feed"), Rule(host="no.example", reason="feed")),
    )
    both = matcher.decide(Arrival("own.example", "feed.example", None, 443), NOW)
    assert both.rule is not None
    kept = matcher.decide(Arrival("feed.example", "no.example", None, 443), NOW)
    assert kept.rule is None
    assert kept.but is not None


def test_a_range_of_ones_own_comes_before_a_name_beneath_so_the_address_has_to_be_known() -> None:
    own = Rule(network=NET("192.0.2.0/24"), action="inspect", reason="own range")
    named, feed = Rule(host="a.example", reason="own"), Rule(host="b.example", reason="feed")
    matcher = Matcher((own, named), (feed,))
    assert matcher.uses_addresses
    assert matcher.is_behind_ranges(feed)
    assert not matcher.is_behind_ranges(named)
    assert not Matcher((named,), (feed,)).is_behind_ranges(feed)
    assert matcher.is_behind_ranges(own)
    found = matcher.match(Arrival("b.example", None, "192.0.2.7", 443), NOW)
    assert found is own
    assert matcher.match(Arrival("b.example", None, "198.51.100.7", 443), NOW) is feed


def test_conditions_beneath_are_known_above() -> None:
    beneath = (Rule(ja4="t13d1516h2_8daaf6152771_02713d6af862"), Rule(regex="(a|b)\\1"))
    matcher = Matcher((Rule(host="a.example"),), beneath)
    assert matcher.uses_ja4
    assert [rule.regex for rule, _ in matcher.unsaid] == ["(a|b)\\1"]


LAYER = st.lists(
    st.builds(
        lambda kind, name, action, port: Rule(**{kind: name}, action=action, port=port),
        st.sampled_from(["host", "suffix", "wildcard", "regex"]),
        st.sampled_from(["a.example.com", "example.com", "com", "b.example.com"]),
        st.sampled_from(["pass", "inspect", "block"]),
        st.sampled_from([None, 443, 8443]),
    ),
    max_size=5,
)


@given(LAYER, LAYER, st.sampled_from(["a.example.com", "b.example.com", "example.com", "x.org"]))
def test_the_layers_decide_one_after_the_other(
    own: list[Rule], beneath: list[Rule], name: str
) -> None:
    asked = Arrival(name, None, None, 443)
    expected = Matcher(own).match(asked, NOW) or Matcher(beneath).match(asked, NOW)
    matcher = Matcher(own, beneath)
    assert matcher.match(asked, NOW) is expected
    decides = [rule for rule, why in matcher.considered(asked, NOW) if why == "decides"]
    assert all(rule is expected for rule in decides)
    assert bool(decides) == (expected is not None)
