"""Attempts and passages in the store: the latest one by one, all of them counted by day.

Rules
-----
1. Bounded by age and by number: raw attempts for KEPT_DAYS and at most MAX_ATTEMPTS, counts for COUNTED_DAYS
   and at most MAX_COUNTS rows.
2. Names are what clients say. Attempts whose name was not bound to the address have a budget of their own
   (MAX_UNBOUND), so that made-up names push out each other and nothing else.
3. Names that are bound may be made up below a domain that answers for every name. Where there is too much,
   what goes first is: what one client said again and again; then what no user said, of a host that was there
   on one day and for one client; the earlier first.
4. Counts are folded, never dropped within their days: what loses its host is counted under the host "", and
   totals stay true whatever a flood does.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta

import msgspec

from addons.bypass.attempt import Attempt, AttemptClass, classify
from addons.bypass.clients import client_of
from addons.store.hours import Hours
from addons.store.largest import HostUse, largest
from detector.model.no_json import NO_JSON

MAX_ATTEMPTS, MAX_COUNTS = 200_000, 200_000
MAX_UNBOUND = 20_000
KEPT_DAYS, COUNTED_DAYS = 30, 400
# Attempts written after which it is time to prune, however short a while that took.
_CROWD = 50_000
# Of one client at one host, and its part of all, that stay in a crowd.
_OFTEN, _PART = 50, 20
_Key = tuple[str, str, str, str]
_THIN = """
DELETE FROM attempt WHERE id IN (
    SELECT id FROM (
        SELECT a.id, client GLOB 'user:*' AS user, days, clients,
            row_number() OVER (PARTITION BY host, client ORDER BY a.id DESC) > ?
            OR row_number() OVER (PARTITION BY client ORDER BY a.id DESC) > ? AS again
        FROM attempt AS a JOIN (
            SELECT host, count(DISTINCT substr(at, 1, 10)) AS days, count(DISTINCT client) AS clients
            FROM attempt WHERE bound = 1 GROUP BY host
        ) USING (host)
        WHERE bound = 1
    )
    ORDER BY again DESC, user, days, clients, id LIMIT ?
)
"""
_HOSTS = """
SELECT host, count(DISTINCT day) AS days, sum(count) AS often,
    max(class IN ('trusted', 'not-http')) AS taken
FROM attempt_day WHERE bound IS NOT 0 GROUP BY host
"""
_WORTHIEST = "days > 1 DESC, taken DESC, days DESC, often DESC, day DESC"


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


class Passed(msgspec.Struct, frozen=True):
    """What passed by a rule to one host on one day; the host is "" for those that are folded.

    Attributes:
        size: bytes, both ways.

    """

    rule: str
    host: str
    day: date
    connections: int
    size: int


class Day(msgspec.Struct, frozen=True):
    """One day's connections and the bytes that passed undecrypted."""

    day: str
    passed: int
    inspected: int
    bytes_passed: int


class Traffic:
    """Part of a BypassStore; `failing` turns sqlite3's errors into the store's."""

    def __init__(
        self,
        db: sqlite3.Connection,
        failing: Callable[[], AbstractContextManager[None]],
        hours: Hours,
    ) -> None:
        self._db = db
        self._failing = failing
        self._hours = hours
        self._written = 0

    def write(self, attempts: Sequence[Attempt], passages: Sequence[Passage]) -> None:
        """Keep a batch, whole or not at all."""
        encoder = msgspec.json.Encoder()
        rows = [
            (
                a.at.isoformat(),
                a.host,
                encoder.encode(a).decode(),
                a.bound is True,
                client_of(a).name,
            )
            for a in attempts
        ]
        days: Counter[_Key] = Counter()
        bound: Counter[_Key] = Counter()
        for a in attempts:
            key = (_day(a.at), a.host, a.side, classify(a))
            days[key] += 1
            bound[key] += a.bound is True
        with self._failing(), self._db:
            self._db.executemany(
                "INSERT INTO attempt (at, host, body, bound, client) VALUES (?, ?, ?, ?, ?)", rows
            )
            self._count((*key, count, bound[key]) for key, count in days.items())
            self._hours.count(attempts)
            self._pass(
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
            )
            self._sum(passages)
        self._written += len(attempts) + len(passages)

    def crowded(self) -> bool:
        """So much was written that it is time to prune."""
        return self._written >= _CROWD

    def prune(
        self,
        now: datetime,
        keep_days: int = KEPT_DAYS,
        most: int = MAX_ATTEMPTS,
        counts: int = MAX_COUNTS,
    ) -> None:
        """Forget what is too old or too much."""
        oldest = (now - timedelta(days=keep_days)).isoformat()
        counted = _day(now - timedelta(days=COUNTED_DAYS))
        self._written = 0
        with self._failing(), self._db:
            self._db.execute("DELETE FROM attempt WHERE at < ?", (oldest,))
            for which, budget in (("IS NULL", most), ("= 0", min(most, MAX_UNBOUND))):
                query = (
                    f"DELETE FROM attempt WHERE bound {which} AND id <= (SELECT id FROM attempt"  # noqa: S608 (literals)
                    f" WHERE bound {which} ORDER BY id DESC LIMIT 1 OFFSET ?)"
                )
                self._db.execute(query, (budget,))
            self._thin(most)
            self._db.execute("DELETE FROM attempt_day WHERE day < ?", (counted,))
            if self._db.execute("DELETE FROM passage_day WHERE day < ?", (counted,)).rowcount:
                self._sum_again()
            self._fold("bound = 0", "count DESC, day DESC", MAX_UNBOUND)
            self._fold("bound IS NOT 0", _WORTHIEST, counts)
            self._fold_passages(counts)
            self._hours.prune(now)

    def _thin(self, most: int) -> None:
        """Bound attempts, down to `most`."""
        query = "SELECT count(*) FROM attempt WHERE bound = 1"
        over = self._db.execute(query).fetchone()[0] - most
        if over > 0:
            self._db.execute(_THIN, (_OFTEN, max(most // _PART, 1), over))

    def _fold(self, which: str, order: str, most: int) -> None:
        """Count under no host what is beyond the `most` rows that come first."""
        query = (
            "SELECT day, host, side, class, count, bound FROM attempt_day"  # noqa: S608 (literals)
            f" LEFT JOIN ({_HOSTS}) USING (host) WHERE host != '' AND {which}"
            f" ORDER BY {order} LIMIT -1 OFFSET ?"
        )
        rows = self._db.execute(query, (most,)).fetchall()
        self._db.executemany(
            "DELETE FROM attempt_day WHERE day = ? AND host = ? AND side = ? AND class = ?",
            [row[:4] for row in rows],
        )
        self._count(
            (day, "", side, kind, count, bound or 0) for day, _, side, kind, count, bound in rows
        )

    def _fold_passages(self, most: int) -> None:
        """The same for what passed: a rule for a domain passes names that are made up below it."""
        query = (
            "SELECT day, host, rule, connections, up, down, seconds, last FROM passage_day"
            " WHERE host != '' ORDER BY connections DESC, day DESC LIMIT -1 OFFSET ?"
        )
        rows = self._db.execute(query, (most,)).fetchall()
        self._db.executemany(
            "DELETE FROM passage_day WHERE day = ? AND host = ? AND rule = ?",
            [row[:3] for row in rows],
        )
        self._pass((day, "", *rest) for day, _, *rest in rows)

    def _count(self, rows: Iterable[tuple[object, ...]]) -> None:
        self._db.executemany(
            "INSERT INTO attempt_day (day, host, side, class, count, bound) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET count = count + excluded.count,"
            " bound = coalesce(bound, 0) + excluded.bound",
            rows,
        )

    def _pass(self, rows: Iterable[tuple[object, ...]]) -> None:
        self._db.executemany(
            "INSERT INTO passage_day VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET connections = connections + excluded.connections,"
            " up = up + excluded.up, down = down + excluded.down,"
            " seconds = seconds + excluded.seconds, last = max(last, excluded.last)",
            rows,
        )

    def _sum(self, passages: Iterable[Passage]) -> None:
        """What passed by each rule on all days together, which lists are sorted by."""
        self._db.executemany(
            "INSERT INTO passage_sum VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET connections = connections + excluded.connections,"
            " bytes = bytes + excluded.bytes, last = max(last, excluded.last)",
            ((p.rule, p.connections, p.up + p.down, p.at.isoformat()) for p in passages),
        )

    def _sum_again(self) -> None:
        self._db.execute("DELETE FROM passage_sum")
        self._db.execute(
            "INSERT INTO passage_sum SELECT rule, sum(connections), sum(up + down), max(last)"
            " FROM passage_day GROUP BY rule"
        )

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

    def hosts(self, most: int = 20_000, since: str = "") -> list[str]:
        """Names seen in traffic from that day on, the busiest first."""
        query = (
            "SELECT host, sum(count) FROM attempt_day WHERE host != '' AND day >= ?"
            " GROUP BY host ORDER BY 2 DESC LIMIT ?"
        )
        with self._failing():
            return [host for host, _ in self._db.execute(query, (since, most))]

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

    def passed(self) -> Iterator[Passed]:
        """Everything that passed, by rule, host and day, the earliest first."""
        query = "SELECT rule, host, day, connections, up + down FROM passage_day ORDER BY day"
        with self._failing():
            for rule, host, day, count, size in self._db.execute(query):
                yield Passed(rule, host, date.fromisoformat(day), count, size)

    def top(self, since: str, limit: int = 20) -> list[HostUse]:
        """The hosts of the most bytes that passed from that day on, most first; "" are those that lost their names."""
        with self._failing():
            return largest(self._db, since, limit)

    def inspected(self, since: str, most: int = 20_000) -> dict[str, int]:
        """Hosts whose connections were inspected from that day on, and how often; the busiest first.

        Connections of clients that took the proxy's certificate or refused it; nothing of what servers did besides.
        """
        query = (
            "SELECT host, sum(count) FROM attempt_day WHERE day >= ? AND side = 'client' AND host != ''"
            " GROUP BY host ORDER BY 2 DESC LIMIT ?"
        )
        with self._failing():
            return dict(self._db.execute(query, (since, most)).fetchall())

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
