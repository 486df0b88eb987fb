"""Readings of paths by network: a part of the history's file.

One row a kind of reading, with how often and when it was made first and last, so that a host that is asked every minute
for months takes a few rows. No row says where a network is: ids are salted digests, names are the user's own words.
Readings are kept as long as all of the history, at most MAX_STATES of one host on one network and MAX_ROWS in all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import msgspec

from detector.knowledge.database import Database
from detector.knowledge.history import KEPT, MIGRATIONS
from detector.model.no_json import NO_JSON
from detector.model.paths import Network, PathReading, Remembered

MAX_STATES = 24
MAX_ROWS = 20_000
MAX_NETWORKS = 500
_READING = msgspec.json.Decoder(PathReading)


class PathReadings:
    """The open file. Every method raises StoreError for whatever stops it from being used.

    Args:
        path: made where there is none.
        now: the clock, aware UTC.
        remedy: what to do where it cannot be used.

    """

    def __init__(
        self, path: Path, now: Callable[[], datetime], remedy: str = "use --history FILE"
    ) -> None:
        self._now = now
        self._file = Database(path, "history", remedy, MIGRATIONS)
        self._db = self._file.db

    def networks(self) -> tuple[Network, ...]:
        """All that are known, the latest first."""
        with self._guarded():
            rows = self._db.execute("SELECT id, name, seen FROM network ORDER BY seen DESC, id")
            return tuple(Network(own, name, _moment(seen)) for own, name, seen in rows)

    def counts(self) -> dict[str, tuple[int, int]]:
        """Of each network's id: hosts, and readings of them."""
        query = "SELECT network, count(DISTINCT target), sum(times) FROM path GROUP BY network"
        with self._guarded():
            return {own: (hosts, times) for own, hosts, times in self._db.execute(query)}

    def note(self, network: str, name: str | None = None) -> Network:
        """Note that this machine is there now; `name` names it from now on. Gives it as it is known then."""
        at = self._now().isoformat()
        query = (
            "INSERT INTO network VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET seen = excluded.seen,"
            " name = CASE WHEN ? THEN excluded.name ELSE name END RETURNING id, name, seen"
        )
        with self._guarded(), self._db:
            rows = self._db.execute(query, (network, name or "", at, int(name is not None)))
            own, known, seen = rows.fetchone()
        return Network(own, known, _moment(seen))

    def earlier(self, target: str) -> dict[str, tuple[Remembered, ...]]:
        """The readings of one target, the latest last, by network. Rows that cannot be read are left out."""
        query = (
            "SELECT network, body, first, last, times FROM path WHERE target = ? AND last >= ?"
            " ORDER BY last LIMIT ?"
        )
        found: dict[str, list[Remembered]] = {}
        with self._guarded():
            for network, body, first, last, times in self._db.execute(
                query, (target, self._oldest(), MAX_ROWS)
            ):
                with suppress(*NO_JSON, ValueError):
                    one = Remembered(_READING.decode(body), _moment(first), _moment(last), times)
                    found.setdefault(network, []).append(one)
        return {network: tuple(some) for network, some in found.items()}

    def keep(self, network: str, readings: Iterable[tuple[str, PathReading]]) -> None:
        """Remember readings of now, each with its target."""
        at = self._now().isoformat()
        query = (
            "INSERT INTO path VALUES (?, ?, ?, ?, ?, 1)"
            " ON CONFLICT (network, target, body) DO UPDATE SET last = excluded.last, times = times + 1"
        )
        surplus = (
            "DELETE FROM path WHERE network = ? AND target = ? AND body NOT IN"
            " (SELECT body FROM path WHERE network = ? AND target = ? ORDER BY last DESC LIMIT ?)"
        )
        with self._guarded(), self._db:
            for target, reading in readings:
                body = msgspec.json.encode(reading)
                self._db.execute(query, (network, target, body, at, at))
                self._db.execute(surplus, (network, target, network, target, MAX_STATES))

    def forget(self, networks: Iterable[str]) -> int:
        """Everything of these networks; gives how many readings that were."""
        with self._guarded(), self._db:
            gone = 0
            for own in networks:
                gone += self._db.execute("DELETE FROM path WHERE network = ?", (own,)).rowcount
                self._db.execute("DELETE FROM network WHERE id = ?", (own,))
            return gone

    def close(self) -> None:
        """Prune and close."""
        try:
            with self._guarded(), self._db:
                self._db.execute("DELETE FROM path WHERE last < ?", (self._oldest(),))
                self._db.execute(
                    "DELETE FROM path WHERE (network, target, body) IN (SELECT network, target, body"
                    " FROM path ORDER BY last DESC LIMIT -1 OFFSET ?)", (MAX_ROWS,),
                )  # fmt: skip
                # A name is the user's work, and outlives what was read there.
                self._db.execute(
                    "DELETE FROM network WHERE name = '' AND id NOT IN (SELECT network FROM path)"
                )
                self._db.execute(
                    "DELETE FROM network WHERE id IN (SELECT id FROM network ORDER BY seen DESC"
                    " LIMIT -1 OFFSET ?)", (MAX_NETWORKS,),
                )  # fmt: skip
        finally:
            self._db.close()

    def _oldest(self) -> str:
        return (self._now() - KEPT).isoformat()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError) as error:
            raise self._file.failure(error) from None


def _moment(text: str) -> datetime:
    """Raises ValueError."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a time of no zone is kept in it")
    return found
