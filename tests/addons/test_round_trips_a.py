"""What we write for a gateway comes back as rules that decide what was written, and what it refuses decides nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.rule import Rule, rule_of
from addons.formats.registry import export, read

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TARGETS = ("mitmproxy", "squid", "haproxy", "nginx", "envoy", "sslproxy", "panos", "fortios")
# Where the entries say ports, they say them as the rules do.
WITH_PORTS = ("mitmproxy", "squid", "haproxy", "envoy", "sslproxy")
LABELS = st.sampled_from(("a", "b", "com", "x-y"))
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
PORTS = (443, 8443)
REASONS = st.sampled_from(
    ("", "pinned app", "a # b", "it's \"so\"", "} ; {", "x\n- '.*'", "--> ]]> <a>", "\\", "# $(x)", "*/ end\nnext")
)  # fmt: skip


@st.composite
def some_rules(draw: st.DrawFn) -> Rule:
    kind = draw(st.sampled_from(("host", "suffix", "wildcard", "host", "suffix", "network", "any")))
    fields: dict[str, object] = {
        "action": draw(st.sampled_from(("pass", "pass", "pass", "inspect", "block"))),
        "port": draw(st.sampled_from((None, None, *PORTS))),
        "reason": draw(REASONS),
        "owner": draw(REASONS),
    }
    if kind == "network":
        fields["network"] = ip_network(draw(st.sampled_from(("10.0.0.0/8", "10.1.0.0/16"))))
    elif kind == "any":
        fields["client"] = ip_network("10.9.0.0/16")
    else:
        fields[kind] = draw(NAMES)
    if draw(st.integers(0, 9)) == 0:
        fields["client"] = ip_network("10.9.0.0/16")
    return Rule(**fields)  # type: ignore[arg-type]


def passes(matcher: Matcher, name: str, port: int, client: str, address: str | None) -> bool:
    found = matcher.match(Arrival(name, name, address, port, client), NOW)
    return found is not None and found.action == "pass"


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=150, deadline=None)
@given(some=st.lists(some_rules(), max_size=7), name=NAMES, port=st.sampled_from(PORTS))
def test_an_export_comes_back_with_the_decisions_that_it_has(
    target: str, some: list[Rule], name: str, port: int
) -> None:
    exported = export(target, some, NOW)
    found = read(target, exported.text, "x")
    assert found.unread == ()
    refused = [one.rule for one in exported.refused]
    # What was refused passes nothing; what does not pass keeps back even where it was refused.
    written = [rule for rule in some if rule not in refused or rule.action != "pass"]
    theirs, back = Matcher(written), Matcher([rule_of(row) for row in found.rows])
    for client in ("10.9.0.1", "192.0.2.1"):
        for address in (None, "10.1.2.3", "192.0.2.1"):
            now = passes(back, name, port, client, address)
            was = passes(theirs, name, port, client, address)
            assert now <= was, [rule_of(row).pattern for row in found.rows]
            if all(rule.action == "pass" or rule not in refused for rule in some):
                assert now == was, [rule_of(row).pattern for row in found.rows]


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=60, deadline=None)
@given(some=st.lists(some_rules(), max_size=7))
def test_what_is_refused_is_what_the_target_cannot_say(target: str, some: list[Rule]) -> None:
    for one in export(target, some, NOW).refused:
        rule = one.rule
        plain = rule.client is None and rule.network is None and rule.action == "pass"
        if plain and target in WITH_PORTS and not (target == "sslproxy" or rule.wildcard):
            assert "says" in one.why or "exception" in one.why, one.why


@pytest.mark.parametrize("target", TARGETS)
def test_a_long_list_is_short(target: str) -> None:
    many = [Rule(suffix=f"pass{n}.example", reason="pinned app") for n in range(1000)]
    many += [Rule(host=f"host{n}.example", owner="treasury") for n in range(1000)]
    but = [Rule(host=f"deep.pass{n}.example", action="inspect") for n in range(200)]
    text = export(target, [*many, *but], NOW).text
    assert len(text) < 200_000
