"""Moments as people say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from detector.report.moments import ago, form_beside

NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (timedelta(), "0 s ago"), (timedelta(seconds=59), "59 s ago"), (timedelta(minutes=59), "59 min ago"),
        (timedelta(hours=47), "1 d ago"), (timedelta(hours=-3), "in 3 h"),
    ],
)  # fmt: skip
def test_the_largest_whole_unit_is_said(before: timedelta, said: str) -> None:
    assert ago(NOW - before, NOW) == said


def test_times_side_by_side_say_what_tells_them_apart() -> None:
    def said(*others: datetime, day: bool = False) -> str:
        return NOW.strftime(form_beside((NOW, *others), day=day))

    assert said(NOW + timedelta(hours=23)) == "00:00:00"
    assert said(NOW + timedelta(days=1)) == said(day=True) == "11-30 00:00:00"
    assert said(NOW - timedelta(days=365)) == "2026-11-30 00:00:00"
    assert form_beside(()) == "%H:%M:%S"
