"""Pieces of queries: conditions with their values, pages with an end, texts to be looked for.

Every list has an end: SIZE rows a page, and what is counted is counted up to MOST_COUNTED. Texts are compared with LIKE,
whose own characters are escaped by an exclamation mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from addons.fleet.database import Value
from addons.fleet.query_rows import Paged

SIZE, MOST_COUNTED = 50, 10_000


class Where:
    """Conditions, and their values in the same order."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.values: list[Value] = []

    def add(self, condition: str, *values: Value) -> None:
        self._parts.append(condition)
        self.values += values

    def __str__(self) -> str:
        return f" WHERE {' AND '.join(self._parts)}" if self._parts else ""


def stamp(at: datetime) -> str:
    """A moment as the database writes it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def paged[T](rows: list[T], total: int, page: int, size: int = SIZE) -> Paged[T]:
    more = total > MOST_COUNTED
    total = min(total, MOST_COUNTED)
    return Paged(rows, total, page, max(1, -(-total // size)), more)


def window(page: int, size: int) -> tuple[int, int]:
    """LIMIT and OFFSET; nobody leafs further than is counted."""
    return size, min(max(page, 1) - 1, MOST_COUNTED // size) * size


def marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _plain(text: str) -> str:
    text = text.lower()
    for one in "!%_":
        text = text.replace(one, f"!{one}")
    return text


def within(text: str) -> str:
    return f"%{_plain(text)}%"


def begins(text: str) -> str:
    return f"{_plain(text)}%"


def number(value: Value) -> int:
    assert isinstance(value, int)
    return value
