"""One order and one reach, held against what the matcher decides for random rules."""

from __future__ import annotations

import ipaddress
from datetime import UTC, date, datetime, timedelta
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from addons.bypass import reach
from addons.bypass.lint import lint
from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.rule import Rule

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NET = ipaddress.ip_network
JA4S = ("t13d1516h2_8daaf6152771_02713d6af862", "t13d1517h2_8daaf6152772_02713d6af863")
LABELS = st.sampled_from(("a", "b"))
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
RANGES = ("0.0.0.0/0", "192.0.2.0/24", "192.0.2.0/25", "192.0.2.1/32", "2001:db8::/32")
ADDRESSES = ("192.0.2.1", "192.0.2.2", "192.0.2.200", "203.0.113.1", "2001:db8::1")
PATTERNS = st.one_of(
    NAMES.map(lambda name: {"host": name}),
    NAMES.map(lambda name: {"wildcard": name}),
    NAMES.map(lambda name: {"suffix": name}),
    st.sampled_from(RANGES).map(lambda text: {"network": NET(text)}),
    st.sampled_from(("a[.].*", "[^.]*[.]b", "b")).map(lambda text: {"regex": text}),
    st.just({}),
)
CONDITIONS = st.fixed_dictionaries({
    "port": st.sampled_from((None, None, 443, 8443)),
    "client": st.sampled_from((None, None, NET("10.0.0.0/8"), NET("10.1.0.0/16"), NET("::/0"))),
    "ja4": st.sampled_from((None, None, *JA4S)),
    "action": st.sampled_from(("pass", "inspect", "block")),
    "expires": st.sampled_from((
        None, TODAY, TODAY - timedelta(1), NOW, NOW + timedelta(minutes=1), NOW - timedelta(hours=1)
    )),
})  # fmt: skip
RULES = st.builds(
    lambda pattern, conditions, number: Rule(**pattern, **conditions, reason=str(number)),
    PATTERNS, CONDITIONS, st.integers(0, 999),
)  # fmt: skip
LISTS = st.lists(RULES, max_size=8)
CONNECTIONS = st.builds(
    Arrival, st.none() | NAMES, st.none() | NAMES, st.none() | st.sampled_from(ADDRESSES),
    st.sampled_from((443, 8443, 25)), st.sampled_from((None, "10.0.0.1", "10.1.0.1", "fd00::1")),
    st.sampled_from((None, *JA4S)),
)  # fmt: skip


def applies(rule: Rule, there: Arrival) -> bool:
    """What the words of a rule say of a connection, read one by one."""
    name = there.sni or there.host
    if rule.network is not None:
        if there.address is None or ipaddress.ip_address(there.address) not in rule.network:
            return False
    elif not reach.is_any_host(rule) and (name is None or not reach.holds(rule, name)):
        return False
    if rule.port not in (None, there.port) or rule.ja4 not in (None, there.ja4):
        return False
    return rule.client is None or (
        there.client is not None and ipaddress.ip_address(there.client) in rule.client
    )


@settings(max_examples=600, deadline=None)
@given(LISTS, CONNECTIONS)
def test_the_matcher_decides_by_the_first_in_this_order_that_applies(
    rules: list[Rule], there: Arrival
) -> None:
    first = next((one for one in reach.in_force(rules, NOW) if applies(one, there)), None)
    assert Matcher(rules).match(there, NOW) is first


def old_rank(rule: Rule) -> tuple[int, int, int]:
    """Rules 3 and 4 of the bypass: most conditions, fewest clients, inspect over block over pass."""
    conditions = sum(one is not None for one in (rule.port, rule.client, rule.ja4))
    order = {"inspect": 2, "block": 1, "pass": 0}[rule.action]
    return conditions, rule.client.prefixlen if rule.client is not None else 0, order


@settings(max_examples=300, deadline=None)
@given(PATTERNS, st.lists(CONDITIONS, min_size=1, max_size=6))
def test_among_rules_of_one_pattern_the_one_with_most_conditions_comes_first(
    pattern: dict[str, object], conditions: list[dict[str, object]]
) -> None:
    rules = [Rule(**pattern, **one) for one in conditions]  # type: ignore[arg-type]
    assert min(rules, key=reach.rank) is max(rules, key=old_rank)


@settings(max_examples=600, deadline=None)
@given(LISTS, CONNECTIONS)
def test_the_rules_considered_come_in_this_order(rules: list[Rule], there: Arrival) -> None:
    told = [rule for rule, _ in Matcher(rules).considered(there, NOW)]
    assert [reach.rank(one) for one in told] == sorted(reach.rank(one) for one in told)


@settings(max_examples=600, deadline=None)
@given(RULES, RULES, CONNECTIONS)
def test_what_a_rule_covers_it_applies_to(wide: Rule, narrow: Rule, there: Arrival) -> None:
    if reach.covers(wide, narrow) and applies(narrow, there):
        assert applies(wide, there)


@settings(max_examples=600, deadline=None)
@given(RULES, RULES, CONNECTIONS)
def test_rules_that_both_apply_overlap(one: Rule, other: Rule, there: Arrival) -> None:
    if applies(one, there) and applies(other, there):
        assert reach.overlap(one, other)


@settings(max_examples=600, deadline=None)
@given(RULES, RULES, NAMES)
def test_patterns_meet_exactly_where_a_name_lies_in_both(one: Rule, other: Rule, name: str) -> None:
    meets = reach.meets(one, other)
    assert meets == reach.meets(other, one)
    if reach.holds(one, name) and reach.holds(other, name):
        assert meets
    if meets and one.regex is None and other.regex is None:
        assert any(reach.holds(one, sample) and reach.holds(other, sample) for sample in samples())


def samples() -> list[str]:
    """Every name of up to five of the labels: one more than the patterns have."""
    return [".".join(labels) for size in range(1, 6) for labels in product("ab", repeat=size)]


@settings(max_examples=600, deadline=None)
@given(st.lists(RULES, min_size=2, max_size=6), st.lists(CONNECTIONS, max_size=20))
def test_taking_away_a_rule_that_changes_nothing_changes_nothing(
    rules: list[Rule], connections: list[Arrival]
) -> None:
    for finding in lint(rules, NOW):
        if finding.id != "shadowed":
            continue
        without = [rule for rule in rules if rule is not finding.rule]
        for there in connections:
            before, after = (Matcher(some).match(there, NOW) for some in (rules, without))
            assert (before and before.action) == (after and after.action)


def test_a_rule_between_that_says_otherwise_keeps_one_from_being_idle() -> None:
    rule = Rule(host="x.a.com")
    wide, between = Rule(suffix="a.com"), Rule(suffix="a.com", port=443, action="inspect")
    for order in ([rule, wide, between], [between, wide, rule]):
        assert "shadowed" not in [one.id for one in lint(order, NOW) if one.rule is rule]
    assert "shadowed" in [one.id for one in lint([rule, wide], NOW) if one.rule is rule]
    deeper = Rule(suffix="b.a.com", action="inspect")
    one_label = Rule(wildcard="a.com")
    found = lint([one_label, wide, deeper], NOW)
    assert "shadowed" not in [one.id for one in found if one.rule is one_label]


def test_a_rule_is_in_force_up_to_its_last_day() -> None:
    rule = Rule(host="a.com", expires=TODAY)
    assert not reach.has_ended(rule, NOW)
    assert reach.has_ended(rule, NOW + timedelta(1))
    assert reach.in_force([rule], NOW + timedelta(1)) == []


def test_a_rule_is_in_force_up_to_its_moment_and_not_at_it() -> None:
    rule = Rule(host="a.com", expires=NOW)
    assert not reach.has_ended(rule, NOW - timedelta(microseconds=1))
    assert reach.has_ended(rule, NOW)


@given(st.sampled_from((None, TODAY, NOW, date.max)), st.datetimes(timezones=st.just(UTC)))
def test_a_rule_has_ended_from_the_moment_of_its_end_on(end: date | None, at: datetime) -> None:
    rule = Rule(host="a.com", expires=end)
    moment = reach.end_moment(rule)
    assert reach.has_ended(rule, at) == (moment is not None and at >= moment)
