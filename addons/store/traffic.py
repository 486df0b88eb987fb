"""Attempts and passages in the store: the latest one by one, all of them counted by day.

Bounded by age and by number: raw attempts for KEPT_DAYS and at most MAX_ATTEMPTS, counts for COUNTED_DAYS and
at most MAX_COUNTS rows.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import msgspec

from addons.bypass.attempt import Attempt, AttemptClass, classify
from detector.model.no_json import NO_JSON

MAX_ATTEMPTS, MAX_COUNTS = 200_000, 200_000
KEPT_DAYS, COUNTED_DAYS = 30, 400


class Passage(msgspec.Struct, frozen=True):
    """Connections that were let through, or a while of some that are open, without a byte of what they said.

    Attributes:
        rule: the pattern that let them.
        up, down: bytes from the clients, and to them, since they were told last.
        connections: how many are told for the first time.

    """

    at: datetime
    host: str
    rule: str
    up: int
    down: int
    seconds: float
    connections: int = 1


class RuleUse(msgspec.Struct, frozen=True):
    """What passed by a rule."""

    rule: str
    connections: int
    up: int
    down: int
    seconds: float
    last: datetime


class Day(msgspec.Struct, frozen=True):
    """One day's connections and the bytes that passed undecrypted."""

    day: str
    passed: int
    inspected: int
    bytes_passed: int


class Traffic:
    """Part of a BypassStore; `failing` turns sqlite3's errors into the store's."""

    def __init__(
        self, db: sqlite3.Connection, failing: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._db = db
        self._failing = failing

    def write(self, attempts: Sequence[Attempt], passages: Sequence[Passage]) -> None:
        """Keep a batch, whole or not at all."""
        encoder = msgspec.json.Encoder()
        rows = [(a.at.isoformat(), a.host, encoder.encode(a).decode()) for a in attempts]
        days = Counter((_day(a.at), a.host, a.side, classify(a)) for a in attempts)
        with self._failing(), self._db:
            self._db.executemany("INSERT INTO attempt (at, host, body) VALUES (?, ?, ?)", rows)
            self._db.executemany(
                "INSERT INTO attempt_day VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET count = count + excluded.count",
                [(*key, count) for key, count in days.items()],
            )
            self._db.executemany(
                "INSERT INTO passage_day VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET connections = connections + excluded.connections,"
                " up = up + excluded.up,"
                " down = down + excluded.down, seconds = seconds + excluded.seconds,"
                " last = max(last, excluded.last)",
                [
                    (
                        _day(p.at),
                        p.host,
                        p.rule,
                        p.connections,
                        p.up,
                        p.down,
                        p.seconds,
                        p.at.isoformat(),
                    )
                    for p in passages
                ],
            )

    def prune(self, now: datetime, keep_days: int = KEPT_DAYS, most: int = MAX_ATTEMPTS) -> None:
        """Forget what is too old or too much."""
        oldest = (now - timedelta(days=keep_days)).isoformat()
        counted = _day(now - timedelta(days=COUNTED_DAYS))
        with self._failing(), self._db:
            self._db.execute("DELETE FROM attempt WHERE at < ?", (oldest,))
            self._db.execute(
                "DELETE FROM attempt WHERE id <= (SELECT max(id) FROM attempt) - ?", (most,)
            )
            for table in ("attempt_day", "passage_day"):
                self._db.execute(f"DELETE FROM {table} WHERE day < ?", (counted,))  # noqa: S608 (a literal)
                query = f"SELECT day FROM {table} ORDER BY day DESC LIMIT 1 OFFSET ?"  # noqa: S608
                over = self._db.execute(query, (MAX_COUNTS,)).fetchone()
                if over is not None:
                    self._db.execute(f"DELETE FROM {table} WHERE day <= ?", over)  # noqa: S608

    def attempts(self, host: str | None = None, last: int = MAX_ATTEMPTS) -> Iterator[Attempt]:
        """The `last` attempts kept, of one host or all, the oldest first."""
        where = "" if host is None else " WHERE host = ?"
        query = f"SELECT body FROM (SELECT id, body FROM attempt{where} ORDER BY id DESC LIMIT ?) ORDER BY id"  # noqa: S608 (literals)
        values = (last,) if host is None else (host, last)
        decoder = msgspec.json.Decoder(Attempt)
        with self._failing():
            for (body,) in self._db.execute(query, values):
                try:
                    yield decoder.decode(body)
                except NO_JSON as error:
                    raise sqlite3.DatabaseError(f"malformed attempt: {error}") from None

    def hosts(self, most: int = 20_000) -> list[str]:
        """Names seen in traffic, the busiest first."""
        query = "SELECT host, sum(count) FROM attempt_day GROUP BY host ORDER BY 2 DESC LIMIT ?"
        with self._failing():
            return [host for host, _ in self._db.execute(query, (most,))]

    def classes(self, host: str, since: str) -> dict[str, dict[AttemptClass, int]]:
        """Day -> class -> attempts of a host's clients."""
        query = "SELECT day, class, count FROM attempt_day WHERE host = ? AND day >= ? ORDER BY day"
        found: dict[str, dict[AttemptClass, int]] = {}
        with self._failing():
            for day, kind, count in self._db.execute(query, (host, since)):
                of_day = found.setdefault(day, {})
                of_day[kind] = of_day.get(kind, 0) + count
        return found

    def uses(self) -> dict[str, RuleUse]:
        """By pattern: what passed by each rule."""
        query = (
            "SELECT rule, sum(connections), sum(up), sum(down), sum(seconds), max(last)"
            " FROM passage_day GROUP BY rule"
        )
        with self._failing():
            return {
                rule: RuleUse(rule, count, up, down, seconds, datetime.fromisoformat(last))
                for rule, count, up, down, seconds, last in self._db.execute(query)
            }

    def days(self, since: str) -> list[Day]:
        """Connections that passed and that were inspected, by day."""
        passed = self._by_day(
            "SELECT day, sum(connections), sum(up + down) FROM passage_day"
            " WHERE day >= ? GROUP BY day",
            since,
        )
        inspected = self._by_day(
            "SELECT day, sum(count), 0 FROM attempt_day"
            " WHERE day >= ? AND side = 'client' AND class IN ('trusted', 'not-http') GROUP BY day",
            since,
        )
        return [
            Day(day, passed.get(day, (0, 0))[0], inspected.get(day, (0, 0))[0],
                passed.get(day, (0, 0))[1])
            for day in sorted({*passed, *inspected})
        ]  # fmt: skip

    def totals(self) -> dict[AttemptClass, int]:
        """Class -> attempts, over all days kept."""
        query = "SELECT class, sum(count) FROM attempt_day GROUP BY class ORDER BY 2 DESC"
        with self._failing():
            return dict(self._db.execute(query).fetchall())

    def _by_day(self, query: str, since: str) -> dict[str, tuple[int, int]]:
        with self._failing():
            return {day: (one, two) for day, one, two in self._db.execute(query, (since,))}


def _day(moment: datetime) -> str:
    return moment.date().isoformat()
