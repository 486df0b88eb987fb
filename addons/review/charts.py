"""Small plots as SVG, without a style or a script: colours come from the page's own sheet, by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from addons.bypass.attempt import AttemptClass
from addons.bypass.shown import shown
from detector.report.axis import count_ticks

_GROUPS = {
    "trusted": "good", "not-http": "good", "refused": "bad", "refused-silently": "bad",
    "hung-up": "weak", "glitch": "weak",
}  # fmt: skip


def sparkline(values: Sequence[int], label: str) -> str:
    """Bars of one series, the last one rightmost."""
    top = max([*values, 1])
    bars = "".join(
        f'<rect class="bad" x="{n * 5}" y="{24 - _height(v, top, 24)}" width="4"'
        f' height="{_height(v, top, 24)}"/>'
        for n, v in enumerate(values)
    )
    return _svg(max(len(values), 1) * 5, 24, label, bars, "spark")


def timeline(days: Mapping[str, Mapping[AttemptClass, int]], label: str) -> str:
    """A bar a day: successes, doubtful ends and refusals on top of each other."""
    width, height = 18, 120
    ticks = count_ticks(max([sum(kinds.values()) for kinds in days.values()] or [1]))
    top = ticks[-1]
    end = max(len(days) * width, 180)
    parts = ['<text class="axis" x="0" y="-8">attempts a day</text>']
    for tick in ticks:
        y = height - _height(tick, top, height)
        parts.append(
            f'<line class="grid" x1="0" x2="{end}" y1="{y}" y2="{y}"/>'
            f'<text class="axis" x="{end + 6}" y="{y + 4}">{tick:,}</text>'
        )
    for n, (day, kinds) in enumerate(days.items()):
        grouped: dict[str, int] = {"good": 0, "weak": 0, "bad": 0}
        for kind, count in kinds.items():
            grouped[_GROUPS.get(kind, "bad")] += count
        bottom = float(height)
        for group, count in grouped.items():
            size = _height(count, top, height)
            bottom -= size
            if count:
                told = escape(f"{day}: {count} {group}")
                parts.append(
                    f'<rect class="{group}" x="{n * width}" y="{bottom:.1f}" width="{width - 3}"'
                    f' height="{size:.1f}"><title>{told}</title></rect>'
                )
    ends = [(0, "axis", day) for day in list(days)[:1]] + [
        (end, "axis end", day) for day in list(days)[1:][-1:]
    ]
    parts += [
        f'<text class="{name}" x="{x}" y="{height + 18}">{escape(day)}</text>'
        for x, name, day in ends
    ]
    return _svg(end + 50, height + 24, label, "".join(parts), "timeline", top=22)


def shares(days: Sequence[tuple[str, float]], label: str) -> str:
    """A line of shares between 0 and 1 over days, with its axis."""
    width, height = 640, 160
    step = width / max(len(days) - 1, 1)
    points = " ".join(f"{n * step:.1f},{height - v * height:.1f}" for n, (_, v) in enumerate(days))
    marks = "".join(
        f'<circle class="mark" cx="{n * step:.1f}" cy="{height - v * height:.1f}" r="3">'
        f"<title>{escape(day)}: {v:.1%}</title></circle>"
        for n, (day, v) in enumerate(days)
    )
    grid = "".join(
        f'<line class="grid" x1="0" x2="{width}" y1="{height - f * height}" y2="{height - f * height}"/>'
        f'<text class="axis" x="{width + 6}" y="{height - f * height + 4}">{f:.0%}</text>'
        for f in (0, 0.5, 1)
    )
    ends = ""
    if days:
        ends = (
            f'<text class="axis" x="0" y="{height + 18}">{escape(days[0][0])}</text>'
            f'<text class="axis end" x="{width}" y="{height + 18}">{escape(days[-1][0])}</text>'
        )
    body = f'{grid}<polyline class="line" points="{points}"/>{marks}{ends}'
    return _svg(width + 50, height + 24, label, body, "shares", top=12)


def _height(value: int, top: int, height: int) -> float:
    return round(value / top * height, 1)


def _svg(width: float, height: float, label: str, body: str, name: str, top: int = 0) -> str:
    box = f"-4 {-top} {width + 4} {height + top}"
    return (
        f'<svg class="{name}" role="img" aria-label="{escape(shown(label))}" viewBox="{box}"'
        f' width="{width}" height="{height + top}">{body}</svg>'
    )
