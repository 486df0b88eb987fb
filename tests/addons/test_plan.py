"""What an import would do, by the rules there are and the traffic seen."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.guarded import guarded
from addons.bypass.ledger import Placed
from addons.bypass.plan import Plan, planned
from addons.bypass.rule import Rule, RuleRow, kept_rule
from detector.errors import ConfigError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FILLED = {"owner": "net", "reason": "imported", "expires": date(2027, 6, 30), "created": NOW.date()}


def plan(rows: list[RuleRow], there: list[Placed] | None = None, **more: Any) -> Plan:
    known = {kept_rule(one.row).pattern: one for one in there or () if one.row is not None}
    return planned(rows, known, more.pop("seen", ()), NOW, guarded(), FILLED, **more)


def host(name: str, **fields: Any) -> RuleRow:
    return RuleRow(host=name, **fields)


def test_a_rule_that_is_not_there_gets_what_it_does_not_say() -> None:
    (rule,) = plan([host("a.com", owner="ann")]).added
    assert (rule.owner, rule.reason, rule.expires) == ("ann", "imported", date(2027, 6, 30))


def test_a_rule_that_is_there_is_changed_in_what_the_list_says() -> None:
    there = [Placed(host("a.com", owner="bob", ticket="CHG-1"))]
    assert plan([host("a.com")], there).same == 1
    ((old, new),) = plan([host("a.com", owner="ann")], there).changed
    assert (old.owner, new.owner, new.ticket) == ("bob", "ann", "CHG-1")
    ((_, new),) = plan([host("a.com", action="inspect")], there).changed
    assert new.action == "inspect"


def test_a_list_as_a_set_takes_the_rest_away_but_no_draft() -> None:
    there = [Placed(host("a.com")), Placed(host("b.com"), "draft"), Placed(host("c.com"))]
    found = plan([host("a.com")], there, replace=True)
    assert [one.pattern for one in found.removed] == ["c.com"]
    assert plan([host("b.com")], there).drafts == ("b.com",)
    assert plan([host("b.com")], there).changes == ()


def test_a_trial_gives_way_to_the_list() -> None:
    there = [Placed(host("a.com"), "trial", "2026-11-23T13:00:00+00:00")]
    (change,) = plan([host("a.com")], there).changes
    assert change.after is not None
    assert (change.after.state, change.after.until) == ("approved", None)


def test_what_is_dangerous_is_refused_where_it_is_not_there_already() -> None:
    wide = RuleRow(suffix="github.io")
    assert [one.id for one in plan([wide]).refused] == ["public-suffix"]
    renewed = RuleRow(suffix="github.io", owner="ann")
    assert plan([renewed], [Placed(wide)]).refused == ()
    inspects = RuleRow(suffix="github.io", action="inspect")
    found = plan([wide], [Placed(inspects)]).refused
    assert [one.id for one in found] == ["turned", "public-suffix"]
    ended = [Placed(RuleRow(suffix="github.io", expires=date(2026, 11, 1)))]
    longer = RuleRow(suffix="github.io", expires=date(2036, 1, 1))
    assert [one.id for one in plan([longer], ended).refused] == ["public-suffix"]
    until_then = [Placed(RuleRow(suffix="github.io", expires=date(2027, 1, 1)))]
    assert [one.id for one in plan([longer], until_then).refused] == ["public-suffix"]
    for all_of_it in (RuleRow(cidr="0.0.0.0/0"), RuleRow(host="*", port=443)):
        assert len(plan([all_of_it]).refused) == 1


def test_what_is_inspected_does_not_become_the_contrary_without_a_word() -> None:
    there = [Placed(host("a.com", action="inspect", reason="never pass", owner="ann"))]
    found = plan([host("a.com")], there)
    assert [one.id for one in found.refused] == ["turned"]
    ((_, new),) = found.changed
    assert (new.reason, new.owner) == ("imported", "net")
    found = plan([RuleRow(suffix="com.a")], there, replace=True)
    assert [(one.rule.pattern, one.id) for one in found.refused] == [("a.com", "unprotected")]


def test_a_name_that_stands_twice_has_the_earlier_end() -> None:
    rows = [host("a.com", expires=date(2030, 1, 1)), host("a.com", expires=date(2027, 1, 1))]
    found = plan(rows)
    assert [one.until for one in found.added] == ["2027-01-01"]
    assert [one.id for one in found.overlapping] == ["listed-twice"]


def test_the_same_rule_in_other_words_is_no_change() -> None:
    assert plan([host("A.com.")], [Placed(host("a.com"))]).changes == ()


def test_ways_that_only_some_clients_come_by_are_asked_too() -> None:
    seen = ("a.com", "b.com")
    for row in (host("*", port=8443), RuleRow(client="10.0.0.0/24"), host("*", port=993)):
        assert plan([row], seen=seen).stops == seen
    assert plan([host("a.com", port=8443)], seen=seen).stops == ("a.com",)
    assert plan([RuleRow(cidr="10.0.0.0/24")], seen=seen).stops == ()
    assert [one.pattern for one in plan([RuleRow(cidr="10.0.0.0/24")]).blind] == ["10.0.0.0/24"]


def test_rules_that_meet_are_told_also_those_of_a_file() -> None:
    found = plan([host("www.a.com")], [Placed(RuleRow(suffix="a.com"))])
    assert [(one.rule.pattern, one.id) for one in found.overlapping] == [("www.a.com", "shadowed")]
    found = plan([RuleRow(suffix="a.com")], [Placed(host("www.a.com"))])
    assert [one.rule.pattern for one in found.overlapping] == ["www.a.com"]
    found = plan([host("b.com")], beside=[Rule(host="b.com", action="inspect")])
    assert [one.id for one in found.overlapping] == ["contradiction"]
    there = [Placed(host("www.c.com")), Placed(RuleRow(suffix="c.com"))]
    assert plan([host("b.com")], there).overlapping == ()


def test_a_list_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ConfigError, match="says pass and inspect"):
        plan([host("a.com"), host("A.com", action="inspect")])


NAMES = st.sampled_from(("a.com", "b.com", "www.a.com", "www.b.com", "c.org"))
ROWS = st.lists(
    st.builds(lambda kind, name, action: RuleRow(**{kind: name, "action": action}),
              st.sampled_from(("host", "suffix")), NAMES, st.sampled_from(("pass", "inspect"))),
    max_size=4, unique_by=lambda row: kept_rule(row).pattern,
)  # fmt: skip
SEEN = ("a.com", "b.com", "www.a.com", "www.b.com", "c.org", "x.c.org")


@given(ROWS, ROWS, st.booleans())
def test_the_traffic_is_told_by_what_the_changes_lead_to(
    rows: list[RuleRow], before: list[RuleRow], replace: bool
) -> None:
    there = {kept_rule(row).pattern: Placed(row) for row in before}
    found = planned(rows, there, SEEN, NOW, guarded(), FILLED, replace=replace)
    after = dict(there)
    for change in found.changes:
        assert after.pop(change.pattern, None) == change.before
        if change.after is not None:
            after[change.pattern] = change.after
    if replace:
        assert set(after) == {kept_rule(row).pattern for row in rows}
    again = planned([one.row for one in after.values() if one.row], after, SEEN, NOW, guarded(), {})
    assert again.changes == ()
    back = planned(before, after, SEEN, NOW, guarded(), FILLED, replace=True)
    if replace or set(there) >= set(after):
        assert (back.stops, back.begins) == (found.begins, found.stops)
