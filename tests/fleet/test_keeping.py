"""Events go a day after the collector has them, sooner where room is short, and never before."""

from __future__ import annotations

from addons.fleet.keeping import KEPT, Floors


def test_what_the_collector_had_a_day_ago_goes_and_nothing_later() -> None:
    floors = Floors()
    assert floors.let_go(0, 100, 0.1) == 0
    assert floors.let_go(3600, 200, 0.1) == 0
    assert floors.let_go(KEPT, 900, 0.1) == 100
    assert floors.let_go(KEPT + 1800, 950, 0.1) == 0
    assert floors.let_go(KEPT + 3600, 990, 0.1) == 200


def test_where_room_is_short_all_that_the_collector_has_goes_and_what_it_has_not_stays() -> None:
    floors = Floors()
    floors.let_go(0, 100, 0.1)
    assert floors.let_go(10, 150, 0.7) == 150
    assert floors.let_go(20, 0, 0.9) == 0


def test_a_collector_that_began_anew_keeps_what_it_has_not() -> None:
    floors = Floors()
    floors.let_go(0, 100, 0.1)
    assert floors.let_go(KEPT + 1, 7, 0.1) == 7
