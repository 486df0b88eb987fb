"""Thousands of known texts, found in one pass, however the text was wrapped and quoted.

Theory of operation
-------------------
Text and known texts are squeezed: small letters, and neither spaces nor line ends nor quotes nor hyphens. So a wrap at any
column, a changed quote mark and "self signed" for "self-signed" change nothing. An automaton (Aho and Corasick 1975) finds
all known texts at once; each place in the squeezed text remembers where it was, so that a text found is checked to be words
of its own there, and told with its line. " ... " in a known text stands for up to GAP characters.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import accumulate
from typing import TypeVar

import ahocorasick
import msgspec

GAP = 64
_SHORTEST = 3
_DROPPED = " \t\n\r\x0b\x0c\xa0'\"`’‘“”„«»‹›\\\\\\-‐‑–—\u200b"
_KEPT = re.compile(f"[^{_DROPPED}]+")
_WITH_SPACES = "\u2e80"  # scripts from here on write words without spaces

Tag = TypeVar("Tag")


class Hit(msgspec.Struct, frozen=True):
    """A known text that was found.

    Attributes:
        tag: what it was put in with.
        start, end: in the text as it was given.
        line: index of the line, from 0.

    """

    tag: int
    start: int
    end: int
    line: int


class Squeezed:
    """A text, squeezed, with the way back."""

    def __init__(self, text: str) -> None:
        self.text = text
        folded = text.lower()
        if len(folded) != len(text):  # a few letters become two
            folded = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
        runs = [match.span() for match in _KEPT.finditer(folded)]
        self._runs = [start for start, _ in runs]
        self._before = list(accumulate((end - start for start, end in runs), initial=0))
        self.squeezed = "".join([folded[start:end] for start, end in runs])

    def place(self, at: int) -> int:
        """Where a character of the squeezed text stands in the text."""
        run = bisect_right(self._before, at) - 1
        return self._runs[run] + at - self._before[run]

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def line_at(self, place: int) -> int:
        """The line in which a character of the text is, from 0."""
        return bisect_right(self._starts, place) - 1

    def own_words(self, start: int, end: int) -> bool:
        """Whether what stands there in the squeezed text is no part of longer words."""
        first, last = self.place(start), self.place(end - 1)
        # "ERR_SSL_" is the beginning of many names.
        ends = self.text[last] == "_" or not _joins(self.text, last, last + 1)
        return ends and not _joins(self.text, first - 1, first)


class Finder:
    """Known texts, each with a number of its owner's; two may be the same text."""

    def __init__(self, known: Iterable[tuple[str, int]]) -> None:
        needles: dict[str, list[tuple[int, str]]] = {}
        for text, tag in known:
            first, gap, rest = text.partition(" ... ")
            needle = squeezed(first)
            if len(needle) >= _SHORTEST:
                needles.setdefault(needle, []).append((tag, squeezed(rest) if gap else ""))
        self._automaton = ahocorasick.Automaton()
        for needle, tags in needles.items():
            self._automaton.add_word(needle, (len(needle), tuple(tags)))
        self._automaton.make_automaton()
        self._empty = not needles

    def find(self, text: Squeezed) -> Iterator[Hit]:
        """All known texts in it, in no order."""
        if self._empty:
            return
        for last, (length, tags) in self._automaton.iter(text.squeezed):
            start, end = last - length + 1, last + 1
            if not text.own_words(start, end):
                continue
            for tag, rest in tags:
                stop = _after_gap(text.squeezed, end, rest) if rest else end
                if stop < 0:
                    continue
                place = text.place(start)
                yield Hit(tag, place, text.place(stop - 1) + 1, text.line_at(place))


def squeezed(text: str) -> str:
    """As `Squeezed` makes it, without the way back."""
    return "".join(_KEPT.findall(text.lower()))


def outermost(hits: list[Hit]) -> list[Hit]:
    """Without those that lie inside a longer one: "self-signed certificate in certificate chain" is not "self-signed
    certificate".
    """
    order = sorted(hits, key=lambda hit: (hit.start, -hit.end))
    kept: list[Hit] = []
    reach, longest = -1, 0
    for hit in order:
        if hit.end <= reach and hit.end - hit.start < longest:
            continue
        kept.append(hit)
        if hit.end > reach:
            reach, longest = hit.end, hit.end - hit.start
    return kept


def _after_gap(text: str, end: int, rest: str) -> int:
    at = text.find(rest, end, end + GAP + len(rest))
    return -1 if at < 0 else at + len(rest)


def _joins(text: str, left: int, right: int) -> bool:
    """Whether two neighbours are letters of one word."""
    if left < 0 or right >= len(text):
        return False
    a, b = text[left], text[right]
    return (a.isalnum() or a == "_") and (b.isalnum() or b == "_") and max(a, b) < _WITH_SPACES
