"""Attempts counted by hour, host, class and client: what shows that something breaks, and since when.

Rules
-----
1. Only attempts whose name was bound to the address are counted: names cost nothing.
2. A slot is an hour, or what is left of it after a change of rules or of the proxy's CA, so that no slot holds
   attempts of before and after it.
3. Clients are kept apart for BY_CLIENT; then a day is one slot, and counts are what clients count for (UNITS each).
   After KEPT all of it goes.
4. At most MOST rows, and CROWD clients of a host and slot. What goes first are hosts of one day, of one client, where
   nobody trusted us: whoever makes up names makes up those.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import msgspec

from addons.bypass.attempt import Attempt, classify
from addons.bypass.clients import client_of
from addons.bypass.tally import FAILED, MEMORY, PAST, TOOK, UNITS, Alteration, Count, Passed, Trust

MOST, CROWD = 200_000, 256
BY_CLIENT, KEPT = timedelta(hours=48), timedelta(days=9)
MAX_ALTERATIONS = 2_000
MAX_SUSPECTS, _MAX_CLIENTS = 2_000, 2_000
# Several proxies notice one change, and each at its own moment.
_SAME = timedelta(minutes=1)
_FAILED, _TOOK = (", ".join(f"'{one}'" for one in sorted(kinds)) for kinds in (FAILED, TOOK))
_WORTH = f"""
SELECT host, count(*) AS held, count(DISTINCT substr(hour, 1, 10)) AS days, count(DISTINCT client) AS clients,
    max(class IN ({_TOOK})) AS taken, max(hour) AS last
FROM attempt_hour GROUP BY host
"""  # noqa: S608 (literals)


class Hours:
    """Part of a BypassStore; `failing` turns sqlite3's errors into the store's."""

    def __init__(
        self, db: sqlite3.Connection, failing: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._db = db
        self._failing = failing

    def count(self, attempts: Iterable[Attempt]) -> None:
        """One batch, inside the transaction of whoever keeps it."""
        found = Counter[tuple[str, str, str, str]]()
        turns: list[str] | None = None
        for one in attempts:
            if one.bound is True:
                if turns is None:
                    turns = [at for (at,) in self._db.execute("SELECT DISTINCT at FROM alteration")]
                slot = _slot(one.at, turns)
                found[slot, one.host, classify(one), client_of(one).name] += 1
        self._db.executemany(
            "INSERT INTO attempt_hour VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET count = count + excluded.count",
            [(*key, count) for key, count in found.items()],
        )

    def prune(self, now: datetime, most: int = MOST) -> None:
        """Forget what is too old or too much, inside a transaction."""
        db = self._db
        db.execute("DELETE FROM attempt_hour WHERE hour < ?", (_text(now - KEPT),))
        old = _text(_hour(now - BY_CLIENT))
        db.execute(
            "INSERT INTO attempt_hour SELECT substr(hour, 1, 10) || 'T00:00:00+00:00', host, class, '',"
            " sum(min(count, ?)) FROM attempt_hour WHERE hour < ? AND client != '' GROUP BY 1, 2, 3"
            " ON CONFLICT DO UPDATE SET count = count + excluded.count",
            (UNITS, old),
        )
        db.execute("DELETE FROM attempt_hour WHERE hour < ? AND client != ''", (old,))
        (rows,) = db.execute("SELECT count(*) FROM attempt_hour").fetchone()
        if rows <= most:
            return
        db.execute(
            "DELETE FROM attempt_hour WHERE (hour, host, class, client) IN (SELECT hour, host, class, client"
            " FROM (SELECT hour, host, class, client, dense_rank() OVER (PARTITION BY hour, host"
            " ORDER BY client GLOB 'user:*' DESC, client) AS place FROM attempt_hour) WHERE place > ?)",
            (CROWD,),
        )
        db.execute(
            "DELETE FROM attempt_hour WHERE host IN (SELECT host FROM (SELECT host, sum(held) OVER"  # noqa: S608 (literals)
            " (ORDER BY days > 1 DESC, clients > 1 DESC, taken DESC, last DESC, host ROWS UNBOUNDED PRECEDING)"
            f" AS upto FROM ({_WORTH})) WHERE upto > ?)",
            (most,),
        )

    # What was changed.

    def alter(self, changes: Iterable[Alteration]) -> None:
        """Keep them; one that another proxy has told of a moment ago stays as it was told."""
        rows = [
            (one.what, one.subject, _text(one.at), one.text[:500], _text(one.at - _SAME))
            for one in changes
        ]
        with self._failing(), self._db:
            self._db.executemany(
                "INSERT INTO alteration (what, subject, at, text) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET at = excluded.at, text = excluded.text WHERE at < ?",
                rows,
            )
            self._db.execute(
                "DELETE FROM alteration WHERE (what, subject) IN"
                " (SELECT what, subject FROM alteration ORDER BY what = 'root' DESC, at DESC LIMIT -1 OFFSET ?)",
                (MAX_ALTERATIONS,),
            )

    def alterations(self, now: datetime) -> list[Alteration]:
        """Those of late, the first first."""
        query = "SELECT at, what, subject, text FROM alteration WHERE at >= ? ORDER BY at"
        with self._failing():
            rows = self._db.execute(query, (_text(now - MEMORY),)).fetchall()
        return [Alteration(datetime.fromisoformat(at), *rest) for at, *rest in rows]

    # What there is to judge.

    def suspects(self, since: datetime, clients: int) -> list[str]:
        """Hosts at which so many clients failed, those of the most clients first."""
        query = (
            f"SELECT host FROM attempt_hour WHERE hour >= ? AND class IN ({_FAILED}) GROUP BY host"  # noqa: S608 (literals)
            " HAVING count(DISTINCT client) >= ? ORDER BY count(DISTINCT client) DESC LIMIT ?"
        )
        with self._failing():
            rows = self._db.execute(query, (_text(_hour(since)), clients, MAX_SUSPECTS)).fetchall()
        return [host for (host,) in rows]

    def hosts(self, since: datetime) -> int:
        """How many there were attempts at."""
        query = "SELECT count(DISTINCT host) FROM attempt_hour WHERE hour >= ?"
        with self._failing():
            return int(self._db.execute(query, (_text(_hour(since)),)).fetchone()[0])

    def counts(self, hosts: Sequence[str], now: datetime) -> list[Count]:
        """All that is kept of these hosts."""
        query = (
            "SELECT hour, host, class, client, count FROM attempt_hour"
            " WHERE host IN (SELECT value FROM json_each(?)) AND hour >= ?"
        )
        with self._failing():
            rows = self._db.execute(query, (_json(hosts), _text(now - PAST))).fetchall()
        slots: dict[str, datetime] = {}
        return [
            Count(slots.get(hour) or slots.setdefault(hour, datetime.fromisoformat(hour)), *rest)
            for hour, *rest in rows
        ]

    def trust(self, clients: Sequence[str]) -> dict[str, Trust]:
        """Where these clients trusted us, and where they failed."""
        query = (
            f"SELECT client, host, min(hour), max(hour), class IN ({_TOOK}) AS took FROM attempt_hour"  # noqa: S608 (literals)
            " WHERE client IN (SELECT value FROM json_each(?)) GROUP BY client, host, took"
        )
        took: dict[str, tuple[str, str]] = {}
        failed: dict[str, set[str]] = {}
        with self._failing():
            for client, host, first, last, taken in self._db.execute(query, (_json(clients),)):
                if taken:
                    before = took.get(client, (first, last))
                    took[client] = (min(first, before[0]), max(last, before[1]))
                else:
                    failed.setdefault(client, set()).add(host)
        found: dict[str, Trust] = {}
        for client in took.keys() | failed.keys():
            first, last = took.get(client, (None, None))
            where = frozenset(failed.get(client, ()))
            found[client] = Trust(_moment(first), _moment(last), where)
        return found

    def passed(self, hosts: Sequence[str], now: datetime) -> dict[str, list[Passed]]:
        """What rules let through, by host, the latest last."""
        days = [(now - timedelta(days=n)).date().isoformat() for n in range(PAST.days)]
        query = (
            "SELECT host, rule, sum(connections), max(last) FROM passage_day"
            " WHERE day IN (SELECT value FROM json_each(?)) AND host IN (SELECT value FROM json_each(?))"
            " GROUP BY host, rule ORDER BY 4"
        )
        found: dict[str, list[Passed]] = {}
        with self._failing():
            for host, rule, connections, last in self._db.execute(
                query, (_json(days), _json(hosts))
            ):
                moment = datetime.fromisoformat(last)
                found.setdefault(host, []).append(Passed(rule, connections, moment))
        return found


def failing_clients(counts: Iterable[Count], since: datetime) -> list[str]:
    """Names of those who failed, the first _MAX_CLIENTS of them."""
    found = {
        one.client for one in counts if one.client and one.kind in FAILED and one.slot >= since
    }
    return sorted(found)[:_MAX_CLIENTS]


def _slot(at: datetime, turns: Iterable[str]) -> str:
    start, text = _text(_hour(at)), _text(at)
    return max((one for one in turns if start < one <= text), default=start)


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _text(at: datetime) -> str:
    return at.isoformat()


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _json(values: Iterable[str] | Mapping[str, object]) -> str:
    return msgspec.json.encode(list(values)).decode()
