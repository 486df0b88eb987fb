"""What passed, by host: connections and bytes that nobody here looked into."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

import msgspec


class HostRule(msgspec.Struct, frozen=True):
    """What passed to a host by a rule."""

    host: str
    rule: str
    connections: int
    bytes: int
    last: datetime


class Passed:
    """Part of a BypassStore; `failing` turns sqlite3's errors into the store's."""

    def __init__(
        self, db: sqlite3.Connection, failing: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._db = db
        self._failing = failing

    def by_rule(self, pattern: str, most: int = 20) -> list[HostRule]:
        """The hosts that passed by a rule, by bytes."""
        query = (
            "SELECT host, rule, sum(connections), sum(up + down), max(last) FROM passage_day"
            " WHERE rule = ? GROUP BY host ORDER BY 4 DESC LIMIT ?"
        )
        return self._uses(query, pattern, most)

    def to(self, host: str, since: str) -> list[HostRule]:
        """What passed to a host since a day, by rule, the latest first."""
        query = (
            "SELECT host, rule, sum(connections), sum(up + down), max(last) FROM passage_day"
            " WHERE day >= ? AND host = ? GROUP BY rule ORDER BY 5 DESC"
        )
        return self._uses(query, since, host)

    def hosts(self, most: int = 20_000) -> list[str]:
        """Their names, up to so many."""
        query = "SELECT DISTINCT host FROM passage_day ORDER BY host LIMIT ?"
        with self._failing():
            return [host for (host,) in self._db.execute(query, (most,))]

    def total(self) -> tuple[int, int]:
        """Connections and bytes of all days that are kept."""
        query = "SELECT coalesce(sum(connections), 0), coalesce(sum(up + down), 0) FROM passage_day"
        with self._failing():
            connections, size = self._db.execute(query).fetchone()
        return connections, size

    def _uses(self, query: str, *values: object) -> list[HostRule]:
        with self._failing():
            rows = self._db.execute(query, values).fetchall()
        return [
            HostRule(host, rule, count, size, datetime.fromisoformat(last))
            for host, rule, count, size, last in rows
        ]
