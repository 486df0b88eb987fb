"""Counts over time in a bounded number of steps, whatever the span."""

from __future__ import annotations

from collections import Counter

MAX_STEPS = 240
_WIDTHS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)


class Timeline:
    """Events by kind in steps of equal width; the width grows when there are too many steps.

    Attributes:
        width: seconds a step.
        steps: start of a step (seconds since 1970) -> kind -> count.

    """

    def __init__(self) -> None:
        self.width = _WIDTHS[0]
        self.steps: dict[int, Counter[str]] = {}

    def add(self, time: float, kind: str, count: int = 1) -> None:
        start = int(time) // self.width * self.width
        step = self.steps.get(start)
        if step is None:
            step = self.steps[start] = Counter()
            step[kind] += count
            if len(self.steps) > MAX_STEPS:
                self._widen()
            return
        step[kind] += count

    def _widen(self) -> None:
        while len(self.steps) > MAX_STEPS // 2:
            wider = next((w for w in _WIDTHS if w > self.width), self.width * 2)
            found: dict[int, Counter[str]] = {}
            for start, counts in self.steps.items():
                found.setdefault(start // wider * wider, Counter()).update(counts)
            self.width, self.steps = wider, found

    @property
    def kinds(self) -> list[str]:
        """Kinds, the most frequent first."""
        total: Counter[str] = Counter()
        for counts in self.steps.values():
            total.update(counts)
        return [kind for kind, _ in total.most_common()]

    def filled(self, most: int = MAX_STEPS) -> list[tuple[int, Counter[str]]]:
        """Every step from the first to the last, empty ones too, joined into at most `most`."""
        if not self.steps:
            return []
        first, last = min(self.steps), max(self.steps)
        width = self.width
        while (last - first) // width + 1 > most:
            width = next((w for w in _WIDTHS if w > width), width * 2)
        found = {start: Counter[str]() for start in range(first // width * width, last + 1, width)}
        for start, counts in self.steps.items():
            found[start // width * width].update(counts)
        return sorted(found.items())
