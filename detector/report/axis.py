"""Where the axes of charts are marked, the same on a page and in a plot: whole counts, times with year and zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

from detector.report.moments import WITH_YEAR

_COUNTS = (1, 2, 5)
_STEPS = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
    172_800, 604_800,
)  # fmt: skip
_DAY, _MONTH = 86_400, 2_592_000
_MOST = 5
_LAST = 253_402_300_799


def count_ticks(top: int) -> list[int]:
    """Whole numbers from 0 to the first that is not less than `top`, six at most."""
    for power in count():
        for lead in _COUNTS:
            step = lead * 10**power
            if step * _MOST >= top:
                return list(range(0, -(-max(top, 1) // step) * step + 1, step))
    raise AssertionError


def time_ticks(start: float, end: float) -> list[tuple[float, str]]:
    """Round times from `start` to `end` (seconds since 1970) in UTC; they need what `time_title` says beside them."""
    span = int(max(end - start, 1))
    step = next((s for s in _STEPS if span / s <= _MOST), 0)
    if not step:
        step = -(-span // (_MOST * _MONTH)) * _MONTH
    first = -(-start // step) * step
    days = _day(start) != _day(end)
    found = []
    for number in range(int((end - first) // step) + 1):
        at = first + number * step
        found.append((at, _tick(at, step, days=days)))
    return found


def time_title(start: float, end: float) -> str:
    """Which days the times are of, with year and zone."""
    first, last = _day(start), _day(end)
    return f"UTC, {first}" if first == last else f"UTC, {first} to {last}"


def moment(seconds: float) -> datetime:
    """Seconds since 1970 as a time in UTC."""
    # A capture says what it likes; no calendar goes further.
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=min(max(seconds, 0), _LAST))


def moment_text(seconds: float) -> str:
    """A time with its year; the zone is said once, by what stands around."""
    return f"{moment(seconds):{WITH_YEAR}}"


def width_text(seconds: float) -> str:
    """How much time one bar is for."""
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size and not seconds % size:
            many = int(seconds // size)
            return name if many == 1 else f"{many} {name}s"
    return f"{seconds:g} seconds"


def _tick(at: float, step: float, *, days: bool) -> str:
    when = moment(at)
    if step >= _DAY:
        return f"{when:%Y-%m-%d}"
    clock = f"{when:%H:%M:%S}" if step < 60 else f"{when:%H:%M}"
    return f"{when:%m-%d} {clock}" if days else clock


def _day(seconds: float) -> str:
    return f"{moment(seconds):%Y-%m-%d}"
