"""Failures over time: in the terminal, and as a picture that goes into a ticket."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from detector.errors import ConfigError
from detector.knowledge.whole_file import write_whole

if TYPE_CHECKING:
    from detector.model.timeline import Timeline

_BARS = " ▁▂▃▄▅▆▇█"
# Okabe and Ito's colours, which everybody can tell apart.
COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a8a8a")
KINDS_SHOWN = 6


def sparkline(timeline: Timeline, width: int = 60) -> Text:
    """One line of bars, with the times of its ends and its highest bar."""
    steps = timeline.filled(width)
    if not steps:
        return Text("")
    counts = [sum(kinds.values()) for _, kinds in steps]
    top = max(counts)
    bars = "".join(_BARS[-(-count * 8 // top)] if count else _BARS[0] for count in counts)
    start, end = clock_text(steps[0][0]), clock_text(steps[-1][0])
    return Text.assemble(
        (f"{start} ", "dim"), (bars, "red"), (f" {end}, at most {top} at once", "dim")
    )


def clock_text(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%m-%d %H:%M:%S}"


def save_plot(path: Path, timeline: Timeline, title: str) -> None:
    """A stacked bar chart, as the suffix says: .svg or .png.

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
    from matplotlib import dates
    from matplotlib.figure import Figure

    steps = timeline.filled(160)
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes: Any = figure.subplots()
    kinds = timeline.kinds
    shown = kinds[:KINDS_SHOWN]
    times = [datetime.fromtimestamp(start, UTC) for start, _ in steps]
    width = (steps[1][0] - steps[0][0] if len(steps) > 1 else timeline.width) / 86400
    bottom = [0] * len(steps)
    for kind, colour in zip((*shown, "others"), COLOURS, strict=False):
        values = [
            counts[kind] if kind != "others" else sum(counts[k] for k in kinds[KINDS_SHOWN:])
            for _, counts in steps
        ]
        if not any(values):
            continue
        axes.bar(
            times, values, width=width * 0.9, bottom=bottom, color=colour, label=kind, align="edge"
        )
        bottom = [low + value for low, value in zip(bottom, values, strict=True)]
    axes.set_title(title, loc="left")
    axes.set_ylabel("failed handshakes")
    formatter: Any = dates.ConciseDateFormatter
    axes.xaxis.set_major_formatter(formatter(axes.xaxis.get_major_locator(), tz=UTC))
    axes.spines[["top", "right"]].set_visible(False)
    if steps and kinds:
        axes.legend(
            frameon=False, fontsize="small", ncols=3, loc="upper left", bbox_to_anchor=(0, -0.12)
        )
    drawn = BytesIO()
    metadata = {"Date": None} if path.suffix == ".svg" else None
    figure.savefig(drawn, format=path.suffix[1:], dpi=120, metadata=metadata)
    write_whole(path, drawn.getvalue())
