"""Canaries nobody can foresee, and an own list that is asked in turn."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from detector.agent.draw import draw, part_of
from detector.knowledge.shipped import CanaryHost, canary_hosts

ROWS = tuple(
    CanaryHost(f"{name}{number}.example", f"Owner {number // 2}")
    for name in "ab"
    for number in range(40)
)


@given(st.integers(0, 60), st.integers())
def test_a_draw_is_of_as_many_owners_as_hosts(count: int, seed: int) -> None:
    found = draw(ROWS, count, Random(seed))
    owners = {row.host: row.owner for row in ROWS}
    assert len(found) == min(count, 20)
    assert len({owners[host] for host in found}) == len(found)


def test_every_host_is_drawn_now_and_then_and_none_much_more_often() -> None:
    chance = Random(1)
    seen = Counter(host for _ in range(2000) for host in draw(ROWS, 6, chance))
    assert len(seen) == len(ROWS)
    assert max(seen.values()) < 2 * min(seen.values())


def test_hosts_that_say_nothing_here_are_left_out() -> None:
    without = {row.host for row in ROWS if row.host.startswith("a")}
    assert all(host.startswith("b") for host in draw(ROWS, 20, Random(2), without))


def test_the_shipped_list_suffices_for_draws_of_unrelated_owners() -> None:
    assert len(draw(canary_hosts(), 12, Random(3))) == 12


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 100))
def test_an_own_list_is_asked_whole_part_by_part(size: int, count: int, start: int) -> None:
    whole = tuple(range(size))
    seen: set[int] = set()
    for _ in range(-(-size // count) + 1):
        part, start = part_of(whole, start, count)
        assert len(part) == min(size, count)
        seen |= set(part)
    assert seen == set(whole)


def test_an_empty_list_has_no_part() -> None:
    assert part_of((), 3, 5) == ((), 3)
