"""Moments as people say them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

WITH_YEAR = "%Y-%m-%d %H:%M:%S"
_CLOCK, _DAY = "%H:%M:%S", "%m-%d %H:%M:%S"


def ago(value: datetime, now: datetime) -> str:
    """How long before, or after, roughly."""
    seconds = (now - value).total_seconds()
    amount = abs(seconds)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if amount >= length or unit == "s":
            text = f"{int(amount // length)} {unit}"
            return f"{text} ago" if seconds >= 0 else f"in {text}"
    raise AssertionError


def form_beside(times: Iterable[datetime], *, day: bool = False) -> str:
    """How all of these are written (for strftime): with the day or the year where they differ by it.

    Args:
        times: what stands side by side.
        day: nothing around them says of which day they are.

    """
    days = {time.date() for time in times}
    if len({one.year for one in days}) > 1:
        return WITH_YEAR
    return _DAY if day or len(days) > 1 else _CLOCK
