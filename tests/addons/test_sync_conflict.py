"""What counts at a gateway, of the centre's list and what was decided there."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.ledger import Placed
from addons.bypass.rule import RuleRow
from addons.sync.conflict import Central, Settled, settled

NAME = "bank.example"
END = "2026-12-24T12:00:00+00:00"


def rule(action: Any = "pass", state: str = "approved", reason: str = "", **more: Any) -> Placed:
    row = RuleRow(host=NAME, action=action, reason=reason, **more)
    return Placed(row, state, END if state == "trial" else None)


def applied(here: dict[str, Placed], change: Settled) -> dict[str, Placed]:
    """The table after it."""
    found = dict(here)
    for one in change.changes:
        assert found.get(one.pattern) == one.before
        if one.after is None:
            del found[one.pattern]
        else:
            found[one.pattern] = one.after
    return found


OWN, THEIRS = "the gateway's", "the centre's"


@pytest.mark.parametrize(
    ("centre", "own", "counts"),
    [
        (rule("pass"), None, THEIRS),
        (rule("pass"), rule("pass"), THEIRS),
        (rule("pass", "trial"), rule("pass"), OWN),
        (rule("pass"), rule("pass", "trial"), THEIRS),
        (rule("pass", "trial"), rule("pass", "trial"), THEIRS),
        (rule("pass"), rule("inspect"), OWN),
        (rule("pass", "trial"), rule("inspect"), OWN),
        (rule("inspect"), rule("pass"), THEIRS),
        (rule("inspect", "trial"), rule("pass"), THEIRS),
        (rule("inspect"), rule("block"), OWN),
        (rule("block"), rule("pass"), THEIRS),
        (rule("block"), rule("inspect"), THEIRS),
        (rule("pass"), rule("block"), OWN),
        (rule("pass"), rule("inspect", "draft"), THEIRS),
        (None, rule("pass"), OWN),
    ],
)
def test_the_table_of_who_counts(centre: Placed | None, own: Placed | None, counts: str) -> None:
    mine = None if own is None else Placed(_said(own, OWN), own.state, own.until)
    theirs = None if centre is None else Placed(_said(centre, THEIRS), centre.state, centre.until)
    here = {} if mine is None else {NAME: mine}
    said = {} if theirs is None else {NAME: theirs}
    change = settled(here, {}, said)
    after = applied(here, change)
    assert after[NAME].row is not None
    assert after[NAME].row.reason == counts
    assert (NAME in change.kept) == (counts == OWN and centre is not None)
    # And when the centre says nothing of it any more, all is as it was.
    assert applied(after, settled(after, change.central, {})) == here


def test_rules_of_the_gateway_stay_and_the_centres_take_the_place_of_the_centres() -> None:
    own = Placed(RuleRow(host="own.example"))
    one, two = Placed(RuleRow(host="one.example")), Placed(RuleRow(host="two.example"))
    here = {"own.example": own}
    first = settled(here, {}, {"one.example": one})
    there = applied(here, first)
    assert there == {"own.example": own, "one.example": one}
    second = settled(there, first.central, {"two.example": two})
    assert applied(there, second) == {"own.example": own, "two.example": two}


def test_what_was_stopped_on_the_spot_stays_stopped_until_the_centre_changes_that_rule() -> None:
    before = {NAME: Central(rule())}
    other = Placed(RuleRow(host="other.example"))
    removed = settled({}, before, {NAME: rule(), "other.example": other})
    assert applied({}, removed) == {"other.example": other}
    assert removed.kept == (NAME,)
    ended = rule(expires=date(2026, 1, 1))
    assert applied({NAME: ended}, settled({NAME: ended}, before, {NAME: rule()})) == {NAME: ended}
    again = rule(reason="looked at again")
    there = {"other.example": other}
    said = {NAME: again, "other.example": other}
    assert applied(there, settled(there, removed.central, said)) == said


def test_without_its_own_rule_that_counted_a_gateway_follows_the_centre_again() -> None:
    own = rule("inspect")
    first = settled({NAME: own}, {}, {NAME: rule()})
    assert first.kept == (NAME,)
    second = settled({}, first.central, {NAME: rule()})
    assert applied({}, second) == {NAME: rule()}


_placed = st.builds(
    rule,
    st.sampled_from(["pass", "inspect", "block"]),
    st.sampled_from(["approved", "trial", "draft"]),
    st.sampled_from(["", "a", "b"]),
)
_TIGHT = {"pass": 0, "inspect": 1, "block": 2}


@given(
    st.none() | _placed,
    st.lists(st.none() | _placed.filter(lambda one: one.state != "draft"), max_size=5),
)
def test_no_list_ever_loosens_what_a_gateway_decided_and_the_end_is_the_beginning(
    own: Placed | None, lists: list[Placed | None]
) -> None:
    here = {} if own is None else {NAME: own}
    table, central = dict(here), dict[str, Central]()
    for one in lists:
        change = settled(table, central, {} if one is None else {NAME: one})
        table, central = applied(table, change), change.central
        if own is not None and own.state != "draft":
            assert own.row is not None
            there = table[NAME].row
            assert there is not None
            assert _TIGHT[there.action] >= _TIGHT[own.row.action]
        if one is not None:
            assert one.row is not None
            there = table[NAME].row
            assert there is not None
            assert _TIGHT[there.action] >= _TIGHT[one.row.action]
        again = settled(table, central, {} if one is None else {NAME: one})
        assert again.changes == ()
    assert applied(table, settled(table, central, {})) == here


def _said(one: Placed, by: str) -> RuleRow:
    assert one.row is not None
    return RuleRow(host=one.row.host, action=one.row.action, reason=by)
