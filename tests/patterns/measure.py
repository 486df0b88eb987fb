"""How long an expression takes over its worst input, in CPU time, so that a busy machine changes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

from tests.patterns.inventory import Row
from tests.patterns.worst import worst_inputs

# Milliseconds for a KB of the worst input; what is linear takes a hundredth to a half of one.
BUDGET = 4.0
# How much longer twice as much may take; below FLOOR milliseconds clocks tell nothing.
GROWTH, FLOOR = 3.2, 2.0
# What takes exponential time shows with a few characters, and never ends with many.
_TINY, _SHORT, _TRIED = 24, 256, 6


class Measured(NamedTuple):
    """The worst of one row.

    Attributes:
        per_kb: milliseconds for a KB.
        growth: how much longer it takes than half as much, 0 where that is too short to tell.
        text: its beginning.

    """

    per_kb: float
    growth: float
    text: str

    @property
    def is_linear(self) -> bool:
        """Within the budget, and not growing faster than the input."""
        return self.per_kb <= BUDGET and self.growth <= GROWTH


def measured(row: Row) -> Measured:
    """Every input that is made for it at small sizes, the slowest of them at larger ones, up to the first too slow."""
    sizes = [min(size, row.most) for size in (_TINY, _SHORT)]
    for size in sizes:
        texts = list(dict.fromkeys(worst_inputs(row.pattern.pattern, row.pattern.flags, size)))
        times = [_time(row, text) for text in texts]
        slowest = sorted(range(len(texts)), key=lambda n: -times[n])[:_TRIED]
        for place in slowest:
            if times[place] > BUDGET and (took := _time(row, texts[place])) > BUDGET:
                return Measured(took * 1024 / size, 0.0, texts[place][:60])
    wanted = {texts[place] for place in slowest}
    worst = Measured(0.0, 0.0, "")
    before, halves = dict.fromkeys(wanted, 0.0), {text: text for text in wanted}
    for larger in sorted({min(size, row.most) for size in (512, 1024, 2048, 4096, 8192)}):
        for text, more in _pairs(row, wanted, size, larger):
            took = _time(row, more)
            per_kb = took / (max(len(more), _SHORT) / 1024)
            growth = took / before[text] if took > FLOOR and before[text] else 0.0
            found = Measured(per_kb, growth, more[:60])
            if not found.is_linear:  # unless something else was slow just then
                again = [(_time(row, more), _time(row, halves[text])) for _ in range(5)]
                took = min(took, *(more for more, _ in again))
                half = min(half for _, half in again)
                found = Measured(took * 1024 / len(more), took / half, more[:60])
            if not found.is_linear:
                return found
            worst = max(worst, found)
            before[text], halves[text] = took, more
    return worst


def _pairs(row: Row, wanted: set[str], size: int, larger: int) -> Iterator[tuple[str, str]]:
    """Inputs of one size with those that are made the same way of another, each once."""
    left = set(wanted)
    expression, flags = row.pattern.pattern, row.pattern.flags
    both = zip(
        worst_inputs(expression, flags, size), worst_inputs(expression, flags, larger), strict=True
    )
    for text, more in both:
        if text in left:
            left.remove(text)
            yield text, more


def _time(row: Row, text: str) -> float:
    """Milliseconds of CPU time."""
    start = time.process_time()
    row.ask(text)
    return (time.process_time() - start) * 1000
