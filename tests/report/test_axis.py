"""Ticks: whole counts, round times, and titles that say year and zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.report.axis import count_ticks, moment_text, time_ticks, time_title, width_text

START = datetime(2026, 9, 23, 8, tzinfo=UTC).timestamp()


@given(st.integers(1, 10**12))
def test_counts_are_whole_and_reach_the_highest(top: int) -> None:
    ticks = count_ticks(top)
    assert ticks[0] == 0
    assert ticks[-1] >= top
    assert 2 <= len(ticks) <= 6
    assert all(isinstance(tick, int) for tick in ticks)


def test_43_clients_are_no_21_and_a_half() -> None:
    assert count_ticks(43) == [0, 10, 20, 30, 40, 50]
    assert count_ticks(1) == [0, 1]
    assert count_ticks(3) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (20, ["08:00:00", "08:00:05", "08:00:10", "08:00:15", "08:00:20"]),
        (3 * 3600, ["08:00", "09:00", "10:00", "11:00"]),
        (30 * 3600, ["09-23 12:00", "09-23 18:00", "09-24 00:00", "09-24 06:00", "09-24 12:00"]),
        (4 * 86400, ["2026-09-24", "2026-09-25", "2026-09-26", "2026-09-27"]),
    ],
)
def test_times_are_round(seconds: int, labels: list[str]) -> None:
    assert [text for _, text in time_ticks(START, START + seconds)] == labels


@given(st.integers(0, 2**33), st.integers(0, 2**32))
def test_times_are_few_and_within(start: int, span: int) -> None:
    ticks = time_ticks(start, start + span)
    assert len(ticks) <= 7
    assert all(start <= at <= start + span for at, _ in ticks)


def test_the_title_has_the_year_and_the_zone() -> None:
    assert time_title(START, START + 60) == "UTC, 2026-09-23"
    assert time_title(START, START + 86400) == "UTC, 2026-09-23 to 2026-09-24"
    assert moment_text(START) == "2026-09-23 08:00:00"


def test_times_that_no_calendar_has_are_no_crash() -> None:
    assert moment_text(2.0**62) == "9999-12-31 23:59:59"
    assert moment_text(-5) == "1970-01-01 00:00:00"


def test_the_width_of_a_bar_is_in_words() -> None:
    assert [width_text(s) for s in (1, 5, 60, 900, 3600, 86400, 90)] == [
        "second", "5 seconds", "minute", "15 minutes", "hour", "day", "90 seconds",
    ]  # fmt: skip
