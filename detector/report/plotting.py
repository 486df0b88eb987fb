"""Failures over time: in the terminal, and as a picture that goes into a ticket."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from detector.errors import ConfigError
from detector.knowledge.whole_file import write_whole
from detector.report.axis import (
    count_ticks,
    moment,
    moment_text,
    time_ticks,
    time_title,
    width_text,
)
from detector.report.chart import step_width
from detector.report.moments import form_beside
from detector.report.palette import SHADES, series

if TYPE_CHECKING:
    from detector.model.timeline import Timeline

_BARS = " ▁▂▃▄▅▆▇█"
_STEPS, _MARKS = 160, 8


def sparkline(timeline: Timeline, width: int = 60) -> Text:
    """One line of bars, with the times of its ends and its highest bar."""
    steps = timeline.filled(width)
    if not steps:
        return Text("")
    counts = [sum(kinds.values()) for _, kinds in steps]
    top = max(counts)
    bars = "".join(_BARS[-(-count * 8 // top)] if count else _BARS[0] for count in counts)
    first, last = moment(steps[0][0]), moment(steps[-1][0])
    form = form_beside((first, last), day=True)
    start, end = f"{first:{form}}", f"{last:{form}}"
    return Text.assemble(
        (f"{start} ", "dim"), (bars, "red"), (f" {end}, at most {top} at once", "dim")
    )


def save_plot(
    path: Path,
    timeline: Timeline,
    title: str,
    unit: str = "failed handshakes",
    changes: Sequence[tuple[float, str]] = (),
) -> None:
    """A stacked bar chart, as the suffix says: .svg or .png. The arguments are those of `chart_of`.

    Raises ConfigError where matplotlib is not installed, StoreError where the file cannot be written.
    """
    try:
        import matplotlib as mpl
    except ImportError:
        raise ConfigError(
            "--plot", "matplotlib is not installed", remedy="pip install 'tlsight[plot]'"
        ) from None
    mpl.use("agg")
    mpl.rcParams["svg.hashsalt"] = "tlsight"
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    axes: Any = figure.subplots()
    axes.set_title(title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    if timeline.steps:
        _draw(axes, timeline, unit, changes)
    else:
        axes.set_ylabel(unit)
        axes.set_yticks([0])
        axes.set_xticks([])
    drawn = BytesIO()
    metadata = {"Date": None} if path.suffix == ".svg" else None
    figure.savefig(drawn, format=path.suffix[1:], dpi=120, metadata=metadata)
    write_whole(path, drawn.getvalue())


def _draw(axes: Any, timeline: Timeline, unit: str, changes: Sequence[tuple[float, str]]) -> None:
    steps = timeline.filled(_STEPS)
    width = step_width(timeline, steps)
    starts = [start for start, _ in steps]
    bottom = [0] * len(steps)
    for one in series(timeline.kinds):
        values = [sum(counts[kind] for kind in one.kinds) for _, counts in steps]
        axes.bar(
            starts, values, width=width * 0.9, bottom=bottom, align="edge",
            color=SHADES[one.shade].light, label=f"{one.name} ({sum(values):,})",
        )  # fmt: skip
        bottom = [low + value for low, value in zip(bottom, values, strict=True)]
    first, last = starts[0], starts[-1] + width
    ticks = count_ticks(max(bottom))
    axes.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.set_ylim(0, ticks[-1] * 1.08)
    axes.set_ylabel(f"{unit} per {width_text(width)}")
    times = time_ticks(first, last)
    axes.set_xticks([at for at, _ in times], [text for _, text in times])
    axes.set_xlim(first - width / 2, last + width / 2)
    axes.set_xlabel(time_title(first, last - 1))
    inside = [one for one in changes if first - width <= one[0] <= last][:_MARKS]
    for number, (at, text) in enumerate(inside, 1):
        label = f"{number}: {moment_text(at)} UTC, {text}"
        axes.axvline(at, color="#1c2430", linestyle="--", linewidth=1, label=label)
        axes.annotate(
            str(number), (at, 1), xycoords=("data", "axes fraction"), fontsize="small",
            ha="left", va="top", xytext=(2, 0), textcoords="offset points",
        )  # fmt: skip
    axes.legend(
        frameon=False, fontsize="small", ncols=2, loc="upper left", bbox_to_anchor=(0, -0.2)
    )
