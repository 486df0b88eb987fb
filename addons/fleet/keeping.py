"""Letting go of events: what the collector has had for a day goes, what it has not had stays. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

KEPT = 86_400.0
# Where more of the stream's room is taken, events that the collector has go at once.
FULL = 0.6
_EVERY = 600.0


@dataclass
class Floors:
    """How far the collector had come, and when."""

    marks: list[tuple[float, int]] = field(default_factory=list)

    def let_go(self, now: float, floor: int, used: float) -> int:
        """Up to which sequence number, itself included, events may go; 0 for none.

        Args:
            now: seconds of any clock that does not go back.
            floor: all up to this one are in the collector's database.
            used: 0 to 1: how full the stream is.

        """
        if used >= FULL:
            self.marks.clear()
            return floor
        if not self.marks or now - self.marks[-1][0] >= _EVERY:
            self.marks.append((now, floor))
        gone = [mark for mark in self.marks if now - mark[0] >= KEPT]
        if not gone:
            return 0
        self.marks = self.marks[len(gone) :]
        return min(gone[-1][1], floor)
