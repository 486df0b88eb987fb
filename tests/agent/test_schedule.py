"""When the next run is due, whatever clocks, networks and changes do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from detector.agent.schedule import (
    Schedule,
    began,
    changed,
    jump,
    no_network,
    planned_for,
    portal,
    ran,
    share_of,
    stretched,
    with_period,
)

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOUR = 3600.0


def test_five_thousand_devices_that_start_at_once_spread_over_the_whole_period() -> None:
    devices = [f"{number * 859_000:08x}{0:024x}" for number in range(5000)]
    due = sorted(began(HOUR, None, NOON, 100.0, one, 0.5).due - 100 for one in devices)
    assert due[0] < 10
    assert due[-1] > HOUR - 10
    assert max(b - a for a, b in pairwise(due)) < 2


def test_a_restart_keeps_to_what_was_planned() -> None:
    plan = began(HOUR, NOON + timedelta(minutes=20), NOON, 50.0, "0" * 32, 0.5)
    assert plan.due == 50 + 1200


def test_a_run_that_was_missed_comes_within_two_minutes_and_not_all_at_once() -> None:
    missed = NOON - timedelta(days=3)
    due = [began(HOUR, missed, NOON, 0.0, "0" * 32, chance).due for chance in (0.0, 0.5, 1.0)]
    assert due == [0.0, 60.0, 120.0]


def test_a_plan_that_the_clock_moved_into_the_far_future_is_drawn_near() -> None:
    plan = began(HOUR, NOON + timedelta(days=4000), NOON, 0.0, "0" * 32, 0.5)
    assert plan.due <= HOUR * 1.1


def test_runs_come_after_the_period_a_tenth_more_or_less() -> None:
    plan = Schedule(HOUR, 0.0)
    assert [round(ran(plan, 10.0, chance).due) for chance in (0.0, 0.5, 1.0)] == [3250, 3610, 3970]


def test_what_was_not_seen_is_asked_again_after_five_minutes() -> None:
    assert 270 <= ran(Schedule(HOUR, 0.0), 0.0, 0.5, doubt=True).due <= 330
    assert ran(Schedule(60.0, 0.0), 0.0, 0.5, doubt=True).due <= 66


def test_without_a_network_tries_come_later_and_later_up_to_the_period() -> None:
    plan, at, waits = Schedule(HOUR, 0.0), 0.0, []
    for _ in range(9):
        plan = no_network(plan, at, 1.0)
        waits.append(plan.due - at)
        at = plan.due
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_a_change_asks_soon_and_several_ask_for_one_run() -> None:
    plan = ran(Schedule(HOUR, 0.0), 0.0, 0.5)
    plan = changed(plan, 1000.0)
    assert plan.due == 1005
    plan = changed(changed(plan, 1001.0), 1003.0)
    assert plan.due == 1008
    for second in range(1004, 1060, 4):
        plan = changed(plan, float(second))
    assert plan.due == 1030
    assert ran(plan, 1030.0, 0.5).changes == (1030.0,)


def test_a_change_right_after_a_run_waits_a_minute() -> None:
    assert changed(ran(Schedule(HOUR, 0.0), 1000.0, 0.5), 1010.0).due == 1060


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 400), min_size=1, max_size=200))
def test_a_network_that_flaps_brings_no_more_than_a_few_runs_an_hour(gaps: list[float]) -> None:
    plan, at, runs = ran(Schedule(HOUR, 0.0), 0.0, 0.5), 0.0, [0.0]
    for gap in gaps:
        at += gap
        if plan.due <= at:
            runs.append(plan.due)
            plan = ran(plan, plan.due, 0.5)
        plan = changed(plan, at)
    for first in runs:
        assert sum(first <= one < first + HOUR for one in runs) <= 8
    assert plan.due <= at + HOUR * 1.1


def test_a_network_that_is_back_ends_the_waiting() -> None:
    plan = Schedule(HOUR, 0.0)
    for _ in range(8):
        plan = no_network(plan, 0.0, 1.0)
    plan = changed(plan, 500.0)
    assert (plan.due, plan.failed) == (505.0, 0)


def test_a_clock_that_is_set_is_noticed_and_a_sleep_is_not() -> None:
    assert jump((NOON, 0.0), NOON + timedelta(hours=9), 9 * HOUR) is None
    assert jump((NOON, 0.0), NOON + timedelta(seconds=70), 10.0) is None
    assert jump((NOON, 0.0), NOON + timedelta(hours=1), 60.0) == 3540.0
    assert jump((NOON, 0.0), NOON - timedelta(days=1), 60.0) == -86460.0


def test_a_shorter_period_draws_the_next_run_near_and_too_much_use_draws_it_out() -> None:
    assert with_period(Schedule(HOUR, 3000.0), 600.0, 100.0).due == 700.0
    assert with_period(Schedule(HOUR, 300.0), 600.0, 100.0).due == 300.0
    assert stretched(Schedule(HOUR, 3700.0), 4.0, 100.0).due == 14500.0
    assert stretched(Schedule(HOUR, 3700.0), 4.0, 100.0, 3600.0).due == 7300.0


def test_what_is_planned_is_told_by_the_clock_on_the_wall() -> None:
    assert planned_for(Schedule(HOUR, 160.0), NOON, 100.0) == NOON + timedelta(minutes=1)
    assert planned_for(Schedule(HOUR, 10.0), NOON, 100.0) == NOON


def test_a_share_is_a_part_of_the_period() -> None:
    assert share_of("0" * 32) == 0
    assert 0.99 < share_of("f" * 32) < 1


def test_a_portal_that_stays_is_asked_through_once_an_hour() -> None:
    since: float | None = None
    asked = []
    for minute in range(0, 300, 10):
        since, patient = portal(since, minute * 60.0, captive=True)
        if not patient:
            asked.append(minute)
    assert asked == [60, 120, 180, 240]
    assert portal(since, 1e6, captive=False) == (None, False)
