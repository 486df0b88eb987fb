"""One line of a demonstration: what was expected, and what was seen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExpectedRow:
    """`seen` None was not tried, for the reason in `expected`."""

    what: str
    expected: str
    seen: str | None

    @property
    def holds(self) -> bool:
        return self.seen is None or self.expected == self.seen
