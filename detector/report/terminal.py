"""The terminal that texts are printed on: its one console, with the colours of `detector.report.colours`."""

from __future__ import annotations

import os
from functools import partial
from typing import IO

from rich.console import Console
from rich.style import Style
from rich.theme import Theme

from detector.report.colours import COLOURS

_FIXED = ("xterm", "screen", "tmux", "rxvt", "vte", "alacritty", "foot", "konsole", "putty", "ms-")


def console(
    *,
    stderr: bool = False,
    file: IO[str] | None = None,
    width: int | None = None,
    color: bool | None = None,
    record: bool = False,
) -> Console:
    """A console: its width follows the terminal, its colours TERM, NO_COLOR and FORCE_COLOR.

    Args:
        stderr: for messages, where others are for results.
        file: where to, instead of a standard stream.
        width: columns, instead of the terminal's.
        color: True for colours wherever it prints, False for none, None as the terminal has them.
        record: to export what was printed.

    """
    made = partial(
        Console, highlight=False, emoji=False, stderr=stderr, file=file, width=width,
        record=record, theme=_theme(), no_color=None if color is None else not color,
    )  # fmt: skip
    if color:
        return made(force_terminal=True, color_system="256")
    found = made()
    if found.color_system in ("standard", "windows"):
        fixed = os.environ.get("FORCE_COLOR") or os.environ.get("TERM", "").startswith(_FIXED)
        return made(color_system="256") if fixed else made(no_color=True)
    return found


def _theme() -> Theme:
    styles: dict[str, str | Style] = {}
    for name, number in COLOURS.items():
        colour = "" if number is None else f"color({number})"
        styles[name] = Style.parse(colour)
        styles[f"bold {name}"] = Style.parse(f"bold {colour}".strip())
    return Theme(styles)
