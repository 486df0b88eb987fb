"""Failures over time as a drawing of a page: stacked bars, interception at the bottom, changes as marks."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from detector.model.timeline import Timeline
from detector.report.axis import count_ticks, moment_text, time_ticks, time_title, width_text
from detector.report.palette import series

_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 712, 22, 186
_STEPS, _MARKS = 120, 8


class Bar(msgspec.Struct, frozen=True):
    x: float
    y: float
    width: float
    height: float
    shade: int
    text: str


class Mark(msgspec.Struct, frozen=True):
    """A change at a time: a dashed line with its number, told beneath."""

    x: float
    number: int
    text: str


class Chart(msgspec.Struct, frozen=True):
    """Stacked bars in a field of 720 by 232.

    Attributes:
        title: the heading.
        label: the whole in a sentence, for who does not see it.
        unit, times_of: what the axes count.
        counts: y and text of each line of the grid.
        times: x and text of each time.
        legend: shade, name and count.

    """

    title: str
    label: str
    unit: str
    times_of: str
    bars: tuple[Bar, ...]
    counts: tuple[tuple[float, str], ...]
    times: tuple[tuple[float, str], ...]
    marks: tuple[Mark, ...]
    legend: tuple[tuple[int, str, str], ...]
    left: int = _LEFT
    right: int = _RIGHT
    top: int = _TOP
    bottom: int = _BOTTOM


def chart_of(
    timeline: Timeline, title: str, unit: str, changes: Sequence[tuple[float, str]] = ()
) -> Chart | None:
    """Kinds over time; None where nothing happened.

    Args:
        timeline: what is counted.
        title: the heading.
        unit: what is counted, in the plural.
        changes: (seconds since 1970, what was changed); those within the chart are marked.

    """
    steps = timeline.filled(_STEPS)
    if not steps:
        return None
    shown = series(timeline.kinds)
    start, width = steps[0][0], step_width(timeline, steps)
    end = steps[-1][0] + width
    highest = max(sum(counts.values()) for _, counts in steps)
    ticks = count_ticks(highest)
    scale = (_BOTTOM - _TOP) / ticks[-1]
    step = (_RIGHT - _LEFT) / len(steps)
    bars: list[Bar] = []
    totals = dict.fromkeys((one.shade for one in shown), 0)
    for number, (at, counts) in enumerate(steps):
        base = float(_BOTTOM)
        for one in shown:
            count = sum(counts[kind] for kind in one.kinds)
            if not count:
                continue
            totals[one.shade] += count
            height = count * scale
            base -= height
            text = f"{moment_text(at)} UTC: {count:,} {one.name}"
            x = _LEFT + number * step
            bars.append(_bar(x, base, max(step * 0.9, 0.8), height, one.shade, text))

    def place(at: float) -> float:
        return round(_LEFT + (at - start) / (end - start) * (_RIGHT - _LEFT), 1)

    inside = [(at, text) for at, text in changes if start - width <= at <= end][:_MARKS]
    per = width_text(width)
    return Chart(
        title=title,
        label=f"{title}: {', '.join(one.name for one in shown)}; at most {highest:,} {unit} per {per}",
        unit=f"{unit} per {per}",
        times_of=time_title(start, end - 1),
        bars=tuple(bars),
        counts=tuple((round(_BOTTOM - tick * scale, 1), f"{tick:,}") for tick in ticks),
        times=tuple((place(at), text) for at, text in time_ticks(start, end)),
        marks=tuple(
            Mark(max(place(at), _LEFT), number, f"{moment_text(at)} UTC: {text}")
            for number, (at, text) in enumerate(inside, 1)
        ),
        legend=tuple((one.shade, one.name, f"{totals[one.shade]:,}") for one in shown),
    )


def step_width(timeline: Timeline, steps: Sequence[tuple[int, object]]) -> float:
    """Seconds of one of its steps."""
    return steps[1][0] - steps[0][0] if len(steps) > 1 else timeline.width


def _bar(x: float, y: float, width: float, height: float, shade: int, text: str) -> Bar:
    return Bar(round(x, 1), round(y, 1), round(width, 1), round(height, 1), shade, text)
