"""What the collector and the page ask of where findings are kept, whichever it is.

Queries are written once, in SQL that SQLite and PostgreSQL share, with ? for each value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

Value = str | int | float | None
Row = tuple[Value, ...]


class FleetDatabase(Protocol):
    """An open one. Every verb raises StoreError."""

    async def read(self, query: str, *values: Value) -> list[Row]:
        """The rows of a query."""

    async def write(self, statements: Sequence[tuple[str, Sequence[Row]]]) -> None:
        """Statements, each with all its rows, in one transaction that is on the disk when this returns."""

    async def close(self) -> None:
        """Let go of it; never raises."""
