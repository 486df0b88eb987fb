"""Looking into the audit trail: what it says about a rule or a host, and a page of it that holds a text."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import msgspec

# Of an entry's details; an import has a thousand rules in one.
MAX_DETAILS = 2000


class Event(msgspec.Struct, frozen=True):
    """One entry, as much as a list shows.

    Attributes:
        details: its beginning.
        cut: there is more.

    """

    number: int
    at: str
    by: str
    action: str
    subject: str
    details: str
    cut: bool
    who: str | None
    digest: str


_COLUMNS = "SELECT number, at, by, action, subject, substr(details, 1, :cut), length(details) > :cut, who, digest FROM audit"


class Past:
    """Part of a BypassStore; `failing` turns sqlite3's errors into the store's."""

    def __init__(
        self, db: sqlite3.Connection, failing: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._db = db
        self._failing = failing

    def page(self, text: str, page: int, size: int) -> tuple[list[Event], int]:
        """Entries that hold the text somewhere, the latest first, and how many there are; pages count from 1."""
        where = (
            " WHERE instr(lower(subject || ' ' || by || ' ' || action), lower(:text))"
            " OR instr(details, :json)"
            if text
            else ""
        )
        values = {"text": text, "json": msgspec.json.encode(text).decode()[1:-1]}
        more = {"cut": MAX_DETAILS, "size": size, "start": (page - 1) * size}
        with self._failing():
            count = f"SELECT count(*) FROM audit{where}"  # noqa: S608 (literals)
            total = int(self._db.execute(count, values).fetchone()[0])
            query = f"{_COLUMNS}{where} ORDER BY number DESC LIMIT :size OFFSET :start"
            rows = self._db.execute(query, values | more).fetchall()
        return [_event(row) for row in rows], total

    def about(self, names: Sequence[str], most: int = 50) -> list[Event]:
        """Entries about any of these patterns and hosts, the latest first: they are the subject, or a value in it."""
        values: dict[str, object] = {"cut": MAX_DETAILS, "most": most}
        clauses: list[str] = []
        for n, name in enumerate(names):
            values |= {f"name{n}": name, f"json{n}": ":" + msgspec.json.encode(name).decode()}
            clauses.append(f"subject = :name{n} OR instr(details, :json{n})")
        query = f"{_COLUMNS} WHERE {' OR '.join(clauses)} ORDER BY number DESC LIMIT :most"
        with self._failing():
            return [_event(row) for row in self._db.execute(query, values)]

    def last(self) -> int:
        """The number of the latest entry, 0 for none."""
        with self._failing():
            return int(self._db.execute("SELECT coalesce(max(number), 0) FROM audit").fetchone()[0])

    def digest(self) -> str:
        """Of the latest entry, empty for none."""
        with self._failing():
            row = self._db.execute(
                "SELECT digest FROM audit ORDER BY number DESC LIMIT 1"
            ).fetchone()
        return row[0] if row is not None else ""


def _event(row: tuple[int, str, str, str, str, str, int, str | None, str]) -> Event:
    number, at, by, action, subject, details, cut, who, digest = row
    return Event(number, at, by, action, subject, details, bool(cut), who, digest)
