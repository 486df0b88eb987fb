"""What is written in another program's language is read back as the same decisions, whatever the rules say."""

from __future__ import annotations

from datetime import UTC, date, datetime
from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.rule import Rule, rule_of
from addons.formats import registry

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TARGETS = (
    "zscaler", "netskope", "umbrella", "sophos", "checkpoint", "bluecoat", "cloudflare", "privoxy", "e2guardian",
    "pac", "no-proxy", "chrome", "firefox", "toml", "csv", "list", "cisco-wsa", "cisco-ftd", "m365",
)  # fmt: skip
LABELS = st.sampled_from(("a", "b", "com", "x-y"))
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
PORTS = st.sampled_from((None, None, None, 443, 8443))
CLIENTS = st.sampled_from((None, None, None, "10.0.0.0/8", "10.1.0.0/16"))
NETWORKS = st.sampled_from(("192.0.2.0/24", "192.0.2.7/32", "192.0.2.0/25", "2001:db8::/32"))
# What ends a line, begins a remark, a formula, a tag or an option somewhere.
WORDS = st.text(
    st.sampled_from("ab1 =+-@\"'<>&;#,:\n\r\t|\\/*()$%{}[]\u202e\u00e9\x00owner until ticket"),
    max_size=24,
)
DAYS = st.sampled_from((None, None, date(2027, 3, 31), date(2026, 11, 23)))


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    kind = draw(
        st.sampled_from(("host", "host", "suffix", "suffix", "wildcard", "network", "regex"))
    )
    value: object = draw(NAMES)
    if kind == "network":
        value = ip_network(draw(NETWORKS))
    elif kind == "regex":
        value = draw(st.sampled_from(("a[0-9]+[.]com", "(a|b)[.]com", ".*b", "=a")))
    client = draw(CLIENTS)
    return Rule(
        **{kind: value},  # type: ignore[arg-type]
        action=draw(st.sampled_from(("pass", "pass", "pass", "inspect", "block"))),
        port=draw(PORTS),
        client=None if client is None else ip_network(client),
        owner=draw(WORDS), reason=draw(WORDS), ticket=draw(WORDS), expires=draw(DAYS),
    )  # fmt: skip


ARRIVALS = st.builds(
    lambda name, port, client, address: Arrival(name, name, address, port, client),
    NAMES,
    st.sampled_from((443, 8443)),
    st.sampled_from(("10.1.0.1", "10.2.0.1", "172.16.0.1")),
    st.sampled_from((None, "192.0.2.7", "192.0.2.200", "2001:db8::1")),
)


def passes(some: list[Rule], arrival: Arrival) -> bool:
    found = Matcher(some).match(arrival, NOW)
    return found is not None and found.action == "pass"


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=60)
@given(some=st.lists(rules(), max_size=7), arrivals=st.lists(ARRIVALS, min_size=1, max_size=6))
def test_what_is_read_back_decides_as_what_was_written(
    target: str, some: list[Rule], arrivals: list[Arrival]
) -> None:
    exported = registry.export(target, some, NOW, skip_proxy=True)
    found = registry.read(target, exported.text, "x")
    assert [one.why for one in found.unread] == []
    back = [rule_of(row) for row in found.rows]
    refused = [one.rule for one in exported.refused]
    for arrival in arrivals:
        here, there = passes(some, arrival), passes(back, arrival)
        assert here or not there, "read back as more than was written"
        if here and not there:
            assert any(passes([rule], arrival) for rule in refused), "lost without a word"


@given(st.lists(rules(), max_size=7))
def test_a_table_holds_all_of_a_rule(some: list[Rule]) -> None:
    exported = registry.export("csv", some, NOW)
    back = [rule_of(row) for row in registry.read("csv", exported.text, "x").rows]
    assert {(one.pattern, one.action, one.until) for one in back} == {
        (one.pattern, one.action, one.until) for one in some
    }


WHO = st.text(st.sampled_from("abc ,.;#'\"-=+@\n"), max_size=20)


@given(WHO, WHO, st.sampled_from(("list", "csv", "checkpoint")))
def test_whose_rule_it_is_and_why_comes_back_with_it(owner: str, reason: str, target: str) -> None:
    rule = Rule(
        host="a.example", owner=owner, reason=reason, ticket="CHG-1", expires=date(2027, 3, 31)
    )
    exported = registry.export(target, [rule], NOW)
    (row, *_) = registry.read(target, exported.text, "x").rows
    assert row.host == "a.example"
    assert row.ticket == "CHG-1"
    assert set(row.owner) <= {*owner, " ", "\ufffd"}


@pytest.mark.parametrize("target", TARGETS)
def test_an_export_with_many_exceptions_stays_small(target: str) -> None:
    some = [Rule(suffix=f"name-{n}.example") for n in range(2000)]
    some += [Rule(host=f"not.name-{n}.example", action="inspect") for n in range(200)]
    exported = registry.export(target, some, NOW, skip_proxy=True)
    assert len(exported.text.encode()) < 200_000
    found = registry.read(target, exported.text, "x")
    kept = Matcher([rule_of(row) for row in found.rows])
    match = kept.match(Arrival("not.name-7.example", None, None, 443), NOW)
    assert match is None or match.action == "inspect"


def test_a_cell_that_a_spreadsheet_would_compute_is_a_text_there() -> None:
    rule = Rule(host="a.example", reason='=HYPERLINK("http://x")', owner="@b", ticket="-1+2")
    text = registry.export("csv", [rule], NOW).text
    for cell in text.splitlines()[1].split(","):
        assert cell.strip('"')[:1] not in tuple("=+-@")
    (row,) = registry.read("csv", text, "x").rows
    assert (row.reason, row.owner, row.ticket) == (rule.reason, rule.owner, rule.ticket)
