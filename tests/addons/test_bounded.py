"""Tables of a size: who brings many of no rank pushes out his own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.bounded import placed, seated, shed


def test_the_first_makes_room_for_the_last() -> None:
    table = {1: "a", 2: "b"}
    placed(table, 3, "c", 2)
    assert table == {2: "b", 3: "c"}
    placed(table, 3, "d", 2)
    assert table == {2: "b", 3: "d"}


def test_the_lowest_rank_makes_room() -> None:
    table = {"real": 9, "other": 5}
    for n in range(1000):
        seated(table, f"made-up{n}", 1, 16, lambda value: value)
    assert table["real"] == 9
    assert table["other"] == 5
    assert "made-up999" in table


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9))), st.integers(1, 12))
def test_there_are_never_more_and_the_last_is_there(
    entries: list[tuple[int, int]], most: int
) -> None:
    table: dict[int, int] = {}
    for key, value in entries:
        assert seated(table, key, value, most, lambda rank: rank) == value
        assert len(table) <= most
        assert table[key] == value


def test_what_is_shed_is_what_counts_least() -> None:
    table = {"a": 3, "b": 1, "c": 2}
    assert shed(table, 2, lambda value: value) == [1, 2]
    assert table == {"a": 3}
