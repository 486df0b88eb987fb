"""The colours that every background leaves readable, white or black. Data alone, for it is loaded with every verb.

Theory of operation
-------------------
Nobody tells a program whether its letters stand on white or on black, and the sixteen ANSI colours are whatever the
terminal's settings make of them: yellow on white has a contrast of 1.7 in xterm, and in Solarized "bright black" is
the background itself. The other 240 of the 256 are fixed. So a word like `red` or `dim` in a style means the row of
COLOURS, each with a contrast of 3:1 or more (WCAG 2.2, 1.4.11) on white, on black and on the usual schemes
between them; what a terminal calls faint may halve the contrast, so `dim` is a grey of that kind. Where a terminal
has sixteen colours only, weight and marks do without. tests/report/test_terminal.py measures what verbs print.
"""

from __future__ import annotations

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
