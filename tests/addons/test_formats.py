"""Exports say what the rules say: by mitmproxy's own search, for every set of rules and names."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.matcher import Connection, Matcher
from addons.bypass.rule import Rule
from addons.formats import mitmproxy, squid

TODAY = date(2026, 11, 23)
LABELS = st.sampled_from(("a", "b", "com", "x-y"))
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
ACTIONS = st.sampled_from(("pass", "pass", "inspect"))
PORTS = st.sampled_from((None, 443, 8443))


@st.composite
def rules(draw: st.DrawFn, *, ports: bool) -> Rule:
    kind = draw(st.sampled_from(("host", "suffix", "wildcard")))
    fields = {kind: draw(NAMES), "action": draw(ACTIONS)}
    if ports:
        fields["port"] = draw(PORTS)
    return Rule(**fields)


def passes(given_rules: list[Rule], name: str, port: int) -> bool:
    found = Matcher(given_rules).match(Connection(name, None, None, port), TODAY)
    return found is not None and found.action == "pass"


@given(st.lists(rules(ports=False), max_size=6), NAMES)
def test_mitmproxy_ignores_exactly_what_the_rules_pass(some: list[Rule], name: str) -> None:
    exported = mitmproxy.export(some, TODAY)
    assert exported.refused == ()
    found = mitmproxy.patterns(exported.text)
    ignored = any(re.search(one, f"{name}:443", re.IGNORECASE) for one in found)
    assert ignored == passes(some, name, 443)


@given(st.lists(rules(ports=True), max_size=5), NAMES, st.sampled_from((443, 8443)))
def test_with_ports_mitmproxy_never_ignores_what_the_rules_inspect(
    some: list[Rule], name: str, port: int
) -> None:
    found = mitmproxy.patterns(mitmproxy.export(some, TODAY).text)
    if any(re.search(one, f"{name}:{port}", re.IGNORECASE) for one in found):
        assert passes(some, name, port)


def first_acl(text: str, name: str) -> str:
    """What Squid's documentation says that these lines do to a name."""
    lists: dict[str, list[str]] = {}
    for line in text.splitlines():
        words = line.split()
        if words[0] == "acl" and words[2].startswith("ssl::"):
            lists.setdefault(words[1], []).append(words[-1])
        elif words[0] == "ssl_bump" and words[2] in lists:
            for value in lists[words[2]]:
                below = value.startswith(".") and (name == value[1:] or name.endswith(value))
                shaped = value.startswith("^") and re.search(value, name) is not None
                if value == name or below or shaped:
                    return words[1]
    return "bump"


@given(st.lists(rules(ports=False), max_size=6), NAMES)
def test_squid_splices_exactly_what_the_rules_pass(some: list[Rule], name: str) -> None:
    exported = squid.export(some, TODAY)
    assert exported.refused == ()
    assert (first_acl(exported.text, name) == "splice") == passes(some, name, 443)


@pytest.mark.parametrize("export", [mitmproxy.export, squid.export])
def test_what_cannot_be_said_is_refused_with_its_reason_and_passes_nothing(export: object) -> None:
    assert callable(export)
    import ipaddress

    net = ipaddress.ip_network("10.0.0.0/8")
    for rule, why in (
        (Rule(host="a.com", client=net), "no clients"),
        (Rule(host="a.com", ja4="t13d1516h2_8daaf6152771_02713d6af862"), "no JA4"),
        (Rule(network=net), "range of addresses"),
        (Rule(host="a.com", action="block"), "only knows passing"),
    ):
        found = export([rule], TODAY)
        assert [why in one.why for one in found.refused] == [True]
        assert "a\\.com" not in "".join(mitmproxy.patterns(found.text))
        assert "splice" not in found.text


def test_a_blocked_name_does_not_pass_by_a_wider_rule() -> None:
    some = [Rule(suffix="a.com"), Rule(host="b.a.com", action="block")]
    (pattern,) = mitmproxy.patterns(mitmproxy.export(some, TODAY).text)
    assert re.search(pattern, "c.a.com:443")
    assert not re.search(pattern, "b.a.com:443")
    assert first_acl(squid.export(some, TODAY).text, "b.a.com") == "bump"


def test_expired_rules_are_not_exported() -> None:
    old = Rule(host="a.com", expires=TODAY - timedelta(days=1))
    assert mitmproxy.export([old], TODAY).text == "ignore_hosts: []\n"
