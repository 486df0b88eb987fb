"""Names that were asked for where they are not: counted by day, name and address, for the page and the verbs."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

import msgspec

MOST = 2000


class Unbound(msgspec.Struct, frozen=True):
    """A connection that a rule would have passed, and that was inspected because its name was not bound.

    Attributes:
        name: what the client said.
        where: the address or the other name that it asked for.
        rule: the pattern of the rule.
        why: in words.

    """

    at: datetime
    name: str
    where: str
    rule: str
    why: str


class UnboundCount(msgspec.Struct, frozen=True):
    """How often, and when last."""

    name: str
    where: str
    rule: str
    why: str
    count: int
    last: datetime


class UnboundTable:
    """Part of a BypassStore. At most MOST rows: those that were last seen longest ago go first."""

    def __init__(
        self, db: sqlite3.Connection, failing: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._db = db
        self._failing = failing

    def write(self, seen: Sequence[Unbound]) -> None:
        """Count a batch."""
        if not seen:
            return
        counts = Counter((one.name, one.where) for one in seen)
        latest = {(one.name, one.where): one for one in seen}
        last = max(one.at for one in seen).isoformat()
        query = (
            "INSERT INTO unbound VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
            " SET count = count + excluded.count, last = excluded.last, rule = excluded.rule,"
            " why = excluded.why"
        )
        with self._failing(), self._db:
            self._db.executemany(
                query,
                [
                    (*key, latest[key].rule, latest[key].why, count, last)
                    for key, count in counts.items()
                ],
            )
            self._db.execute(
                "DELETE FROM unbound WHERE (name, place) IN"
                " (SELECT name, place FROM unbound ORDER BY last DESC LIMIT -1 OFFSET ?)",
                (MOST,),
            )

    def counts(self, most: int = 100) -> list[UnboundCount]:
        """The latest first; none in a store of before there was the table."""
        query = "SELECT name, place, rule, why, count, last FROM unbound ORDER BY last DESC, count DESC LIMIT ?"
        there = "SELECT 1 FROM sqlite_master WHERE name = 'unbound'"
        with self._failing():
            if self._db.execute(there).fetchone() is None:
                return []
            return [
                UnboundCount(name, where, rule, why, count, datetime.fromisoformat(last))
                for name, where, rule, why, count, last in self._db.execute(query, (most,))
            ]
