"""Forms carry what they showed: the same state goes on, another one is told label by label."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.shown import shown
from addons.review.stale import StaleError, same, told
from detector.errors import ConfigError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
STATES = st.dictionaries(st.text("abc ", min_size=1, max_size=8), TEXT, min_size=1, max_size=8)


@given(STATES)
def test_a_state_is_the_same_as_itself_also_through_a_page(state: dict[str, str]) -> None:
    field = told(state)
    assert shown(field) == field  # a page would change what is not printable
    same(field, state)


@given(STATES, STATES)
def test_another_state_is_told_by_what_differs(then: dict[str, str], now: dict[str, str]) -> None:
    labels = {one for one in {*then, *now} if then.get(one, "") != now.get(one, "")}
    if not labels:
        same(told(then), now)
        return
    with pytest.raises(StaleError) as caught:
        same(told(then), now)
    assert {one.label for one in caught.value.differences} == labels


def test_long_texts_differ_by_what_is_behind_their_beginning() -> None:
    long = "x" * 10_000
    assert len(told({"reason": long})) < 300
    with pytest.raises(StaleError):
        same(told({"reason": long}), {"reason": long[:-1] + "y"})


@pytest.mark.parametrize("field", ["", "{}", "[1]", '{"a": 1}', "x", '{"a": "b"', "null"])
def test_a_field_that_says_nothing_is_refused(field: str) -> None:
    with pytest.raises(ConfigError, match="does not say what it showed"):
        same(field, {"a": "b"})
