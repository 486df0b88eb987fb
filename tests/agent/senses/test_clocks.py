"""Sleep, and clocks that somebody set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from detector.agent.senses.clocks import Clocks, between

T0 = datetime(2026, 11, 30, 12, tzinfo=UTC)


def at(wall: float, boot: float, awake: float, *, counts: bool = True) -> Clocks:
    return Clocks(T0 + timedelta(seconds=wall), boot, awake, counts)


def test_ten_quiet_seconds_say_nothing() -> None:
    assert between(at(0, 0, 0), at(10, 10, 10), 10) == ()


def test_a_machine_that_slept_is_told_to_have_slept_and_its_clock_is_right() -> None:
    assert between(at(0, 0, 0), at(3610, 3610, 10), 10) == (("resume", "slept 3600 s"),)


def test_a_clock_that_is_set_either_way_is_told() -> None:
    assert between(at(0, 0, 0), at(3610, 10, 10), 10) == (("clock", "set by +3600 s"),)
    assert between(at(0, 0, 0), at(-7190, 10, 10), 10) == (("clock", "set by -7200 s"),)


def test_a_clock_that_is_corrected_by_a_second_is_none() -> None:
    assert between(at(0, 0, 0), at(12, 10, 10), 10) == ()


def test_a_busy_machine_did_not_sleep() -> None:
    assert between(at(0, 0, 0), at(300, 300, 300), 10) == ()


def test_where_sleep_is_not_counted_a_late_look_is_one() -> None:
    late = between(at(0, 0, 0, counts=False), at(300, 300, 300, counts=False), 10)
    assert late == (("resume", "nothing ran for 290 s"),)
