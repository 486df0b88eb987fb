"""How pages and plots colour what they show: each verdict, kind of failure and level once, as data.

Rules
-----
1. Interception has a colour that nothing else has, and comes first, however rare it is.
2. Colours are told apart by readers who see no red or no green too (tests/report/test_palette.py simulates both), and
   none carries a meaning alone: a word or a mark stands beside each.
3. A page has a light and a dark shade of each; a plot, which is for tickets and paper, the light ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

INTERCEPTION = "tls-intercepted"
OTHERS = "others"
VERDICTS = ("intercepted", "suspect", "inconclusive", "private", "consistent", "direct")
STATES = ("broken", "works-but", "healthy")
# What a page can be asked to hide.
CHOICES = (*VERDICTS, *STATES)


class Shade(msgspec.Struct, frozen=True):
    """One colour on white and on near black."""

    light: str
    dark: str


# Texts: each has a contrast of 4.5 with the paper and the panel (WCAG 2.2, 1.4.3).
TONES: Mapping[str, Shade] = {
    "intercepted": Shade("#a3121f", "#ff8a80"),
    "bad": Shade("#974400", "#f5a35c"),
    "weak": Shade("#7a5a00", "#dfb44d"),
    "good": Shade("#1f6a41", "#63c48d"),
    "dim": Shade("#566170", "#a3aebc"),
}
# What is good or bad about a word, wherever it stands.
TONE_OF: Mapping[str, str] = {
    "intercepted": "intercepted", "suspect": "bad", "inconclusive": "weak", "private": "good",
    "consistent": "good", "direct": "good", "broken": "bad", "works-but": "weak", "healthy": "good",
    "error": "bad", "warning": "weak", "note": "dim",
}  # fmt: skip

# Areas of charts.
INTERCEPTED = Shade("#b3261e", "#ff6b5e")
_KINDS = (
    Shade("#0072b2", "#3b9ae1"),
    Shade("#e69f00", "#f0c040"),
    Shade("#332288", "#ffffff"),
    Shade("#56b4e9", "#44aa99"),
    Shade("#1b1b1b", "#2b5fa8"),
)
REST = Shade("#8a8a8a", "#6b7683")
SHADES: tuple[Shade, ...] = (INTERCEPTED, *_KINDS, REST)


class Series(msgspec.Struct, frozen=True):
    """One colour of a chart.

    Attributes:
        name: for the legend.
        kinds: what is counted under it.
        shade: its place in `SHADES`.

    """

    name: str
    kinds: tuple[str, ...]
    shade: int


def series(kinds: Iterable[str]) -> tuple[Series, ...]:
    """Kinds, the most frequent first, as a chart shows them: interception in front, the rare ones as one.

    One colour stands for one kind only, except for the last, which names what it holds.
    """
    left = list(kinds)
    found: list[Series] = []
    if INTERCEPTION in left:
        left.remove(INTERCEPTION)
        found.append(Series(INTERCEPTION, (INTERCEPTION,), 0))
    shown = len(_KINDS)
    found += [Series(kind, (kind,), place) for place, kind in enumerate(left[:shown], 1)]
    if rest := tuple(left[shown:]):
        named = ", ".join(rest[:3]) + (f" and {len(rest) - 3} more" if len(rest) > 3 else "")
        found.append(Series(f"{OTHERS}: {named}", rest, len(SHADES) - 1))
    return tuple(found)
