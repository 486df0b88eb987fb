"""One self-contained page: no script, nothing loaded, readable in light and dark and on paper."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from detector.model.harmless import harmless
from detector.model.timeline import Timeline
from detector.report.plotting import COLOURS, KINDS_SHOWN, clock_text
from detector.version import __version__

if TYPE_CHECKING:
    import jinja2

_VERDICTS = {"intercepted": "bad", "suspect": "weak", "direct": "good", "private": "good",
             "consistent": "good"}  # fmt: skip
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 716, 10, 176


class Block(msgspec.Struct, frozen=True):
    """Something to read: a diagnosis, an onset, a hint.

    Attributes:
        steps: rungs of a ladder: mark, step, text.
        code: lines of a configuration.

    """

    title: str
    lines: tuple[str, ...] = ()
    steps: tuple[tuple[str, str, str], ...] = ()
    code: str = ""
    bad: bool = False


class TableOf(msgspec.Struct, frozen=True):
    """A table; `numbers` are the columns that hold numbers, `whole` those whose cells are never torn.

    With `beneath` the last cell, where there is something in it, is a line of its own under its row.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()
    whole: tuple[int, ...] = ()
    beneath: bool = False
    styles: dict[str, str] = msgspec.field(default_factory=lambda: dict(_VERDICTS))


class Bar(msgspec.Struct, frozen=True):
    x: float
    y: float
    width: float
    height: float
    colour: str
    text: str


class Chart(msgspec.Struct, frozen=True):
    """Stacked bars in a field of 720 by 200."""

    label: str
    bars: tuple[Bar, ...]
    lines: tuple[tuple[float, str], ...]
    times: tuple[tuple[float, str, str], ...]
    legend: tuple[tuple[str, str], ...]


class Page(msgspec.Struct, frozen=True):
    """What the page says; every text is escaped when it is written. `leading` are tables before the blocks."""

    title: str
    lead: str
    figures: tuple[tuple[str, str], ...]
    chart: Chart | None = None
    leading: tuple[TableOf, ...] = ()
    blocks: tuple[Block, ...] = ()
    tables: tuple[TableOf, ...] = ()
    notes: tuple[str, ...] = ()


def html(page: Page) -> str:
    """The page as text; what would steer a terminal that shows the file is taken out."""
    made = _template().render(page=page, version=__version__)
    return "\n".join(harmless(line) for line in made.expandtabs().split("\n"))


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    import jinja2

    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    made = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return made.get_template("report.html")


def chart_of(timeline: Timeline) -> Chart | None:
    """Failures over time, the most frequent kinds in colours of their own; None for none."""
    steps = timeline.filled(120)
    if not steps:
        return None
    kinds = timeline.kinds
    named = {kind: COLOURS[n] for n, kind in enumerate(kinds[:KINDS_SHOWN])}
    top = max(sum(counts.values()) for _, counts in steps)
    scale = (_BOTTOM - _TOP) / top
    step = (_RIGHT - _LEFT) / len(steps)
    bars: list[Bar] = []
    for number, (start, counts) in enumerate(steps):
        base = float(_BOTTOM)
        for kind in kinds:
            count = counts[kind]
            if not count:
                continue
            height = count * scale
            base -= height
            text = f"{clock_text(start)}: {count} {kind}"
            x = _LEFT + number * step
            colour = named.get(kind, COLOURS[KINDS_SHOWN])
            bars.append(_bar(x, base, max(step * 0.9, 0.8), height, colour, text))
    legend = [(colour, kind) for kind, colour in named.items()]
    if len(kinds) > KINDS_SHOWN:
        legend.append((COLOURS[KINDS_SHOWN], "others"))
    return Chart(
        label=f"Failures over time, {', '.join(kinds[:KINDS_SHOWN])}; at most {top} in one step",
        bars=tuple(bars),
        lines=tuple(
            (_BOTTOM - share * (_BOTTOM - _TOP), f"{top * share:g}") for share in (0, 0.5, 1)
        ),
        times=(
            (_LEFT, "start", clock_text(steps[0][0])),
            (_RIGHT, "end", clock_text(steps[-1][0])),
        ),
        legend=tuple(legend),
    )


def _bar(x: float, y: float, width: float, height: float, colour: str, text: str) -> Bar:
    return Bar(round(x, 1), round(y, 1), round(width, 1), round(height, 1), colour, text)


def number(value: Any) -> str:
    """Digits in groups."""
    return f"{value:,}"
