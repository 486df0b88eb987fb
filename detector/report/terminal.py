"""The terminal that texts are printed on: its one console, and the colours that every background leaves readable.

Theory of operation
-------------------
Nobody tells a program whether its letters stand on white or on black, and the sixteen ANSI colours are whatever the
terminal's settings make of them: yellow on white has a contrast of 1.7 in xterm, and in Solarized "bright black" is
the background itself. The other 240 of the 256 are fixed. So a word like `red` or `dim` in a style means the row of
COLOURS below, each with a contrast of 3:1 or more (WCAG 2.2, 1.4.11) on white, on black and on the usual schemes
between them; what a terminal calls faint may halve the contrast, so `dim` is a grey of that kind. Where a terminal
has sixteen colours only, weight and marks do without. tests/report/test_terminal.py measures what verbs print.
"""

from __future__ import annotations

import os
from functools import partial
from typing import IO

from rich.console import Console
from rich.style import Style
from rich.theme import Theme

# Of the fixed colours of 256. Names are those that styles use.
COLOURS: dict[str, int | None] = {
    "red": 196,
    "green": 28,
    "yellow": 166,
    "blue": 32,
    "magenta": 134,
    "cyan": 31,
    "dim": 244,
    "white": None,  # the terminal's own
    "black": None,
}
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
