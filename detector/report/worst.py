"""The worst of many, with a bound: what a page shows of a run whatever its length.

A run may have a million targets, and a page that a browser opens has not. So memory is flat, and who asks can say what
was left out.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappush, heappushpop


class Worst[T]:
    """At most so many values, those of the lowest rank; of equal rank the ones that came first.

    Attributes:
        left_out: how many were not kept.

    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._heap: list[tuple[tuple[int, int], T]] = []
        self._count = 0
        self.left_out = 0

    def add(self, rank: int, make: Callable[[], T]) -> None:
        """Keep one, which is made only where there is room for it."""
        self._count += 1
        place = (-rank, -self._count)
        if len(self._heap) < self._most:
            heappush(self._heap, (place, make()))
            return
        self.left_out += 1
        if place > self._heap[0][0]:
            heappushpop(self._heap, (place, make()))

    @property
    def all(self) -> list[T]:
        """What is kept, the worst in front."""
        return [value for _, value in sorted(self._heap, key=lambda one: one[0], reverse=True)]
