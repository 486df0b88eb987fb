"""The audit trail in the store: entries that are chained, signed, and told to who keeps them elsewhere.

Rules
-----
1. An entry is part of the transaction of what it tells. Its head goes beside the key and to syslog after the
   commit: a head of something that never was would be a false alarm.
2. What cannot be signed is not decided; what cannot be kept or sent is warned about, for the next head vouches
   for this one too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

import msgspec

from addons.bypass.audit import GENESIS, AuditEntry, Head, chained
from addons.bypass.shown import harmless_logger
from addons.store.seal import Seal
from addons.store.syslog import Syslog
from detector.errors import StoreError

log = harmless_logger(__name__)
_COLUMNS = "number, at, by, action, subject, details, digest"


class Trail:
    """Part of a BypassStore.

    Args:
        path: the store's file.
        db: its connection.
        failing: turns sqlite3's errors into the store's.
        seal: the key.
        syslog: who else hears of it.
        now: the clock.
        by: who decides.
        who: `Actor` as JSON.

    """

    def __init__(
        self,
        path: Path,
        db: sqlite3.Connection,
        failing: Callable[[], AbstractContextManager[None]],
        seal: Seal,
        syslog: Syslog | None,
        now: Callable[[], datetime],
        by: str,
        who: str,
    ) -> None:
        self.seal = seal
        self._path = path
        self._db = db
        self._failing = failing
        self._syslog = syslog
        self._now = now
        self._by = by
        self._who = who
        self._last: tuple[Head, AuditEntry] | None = None

    def is_there(self) -> bool:
        """Whether the file has the table at all."""
        with self._failing():
            query = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'audit'"
            (count,) = self._db.execute(query).fetchone()
            return bool(count)

    def strangers(self) -> list[str]:
        """Triggers and views, of which no version made one: they would change or hide what tables say."""
        with self._failing():
            query = (
                "SELECT type || ' ' || name FROM sqlite_schema WHERE type IN ('trigger', 'view')"
            )
            return [one for (one,) in self._db.execute(query)]

    def entries(self, last: int | None = None) -> Iterator[AuditEntry]:
        """All entries, or so many of the latest; the first first."""
        with self._failing():
            names = {row[1] for row in self._db.execute("PRAGMA table_info(audit)")}
            more = "who, signature" if "who" in names else "NULL AS who, NULL AS signature"
            query = f"SELECT {_COLUMNS}, {more} FROM audit"  # noqa: S608 (literals)
            if last is not None:
                query = f"SELECT * FROM ({query} ORDER BY number DESC LIMIT {last:d})"  # noqa: S608
            for row in self._db.execute(f"{query} ORDER BY number"):
                yield AuditEntry(*row)

    def is_unsigned(self) -> bool:
        """It has entries, and the last one is of before there were keys."""
        last = self._db.execute("SELECT signature FROM audit ORDER BY number DESC LIMIT 1")
        row = last.fetchone()
        return row is not None and row[0] is None

    def enter(self, action: str, subject: str, details: object) -> None:
        """An entry, inside the transaction of what it tells."""
        last = self._db.execute("SELECT number, digest FROM audit ORDER BY number DESC LIMIT 1")
        number, previous = last.fetchone() or (0, GENESIS)
        at, text = self._now().isoformat(), msgspec.json.encode(details).decode()
        digest = chained(previous, at, self._by, action, subject, text, self._who)
        head = self.seal.sign(number + 1, digest)
        entry = AuditEntry(
            number + 1, at, self._by, action, subject, text, digest, self._who, head.signature
        )
        query = f"INSERT INTO audit ({_COLUMNS}, who, signature) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
        self._db.execute(query, msgspec.structs.astuple(entry))
        self._last = (head, entry)

    def publish(self, *, accepted: bool = False) -> None:
        """Keep and send the last head, once it is committed; heads that are lost stay, unless that was accepted."""
        if self._last is None:
            return
        (head, entry), self._last = self._last, None
        try:
            if self._syslog is not None:
                self._syslog.send(head, entry, self._path)
        except StoreError as error:
            log.warning("tlsight: %s", error)
        try:
            self._keep(head, accepted=accepted)
        except (StoreError, sqlite3.Error) as error:
            log.warning("tlsight: the last head of the audit trail is not kept: %s", error)

    def forget(self) -> None:
        """What was entered is rolled back."""
        self._last = None

    def lost(self) -> tuple[Head, ...]:
        """Heads that were kept and that the trail no longer has."""
        query = "SELECT 1 FROM audit WHERE number = ? AND digest = ?"
        return tuple(
            one
            for one in self.seal.heads() or ()
            if self._db.execute(query, (one.number, one.digest)).fetchone() is None
        )

    def _keep(self, head: Head, *, accepted: bool) -> None:
        """Under the store's lock: of two that decide at once, the later entry's head must stay."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            newest = self._db.execute("SELECT max(number) FROM audit").fetchone()[0]
            if newest == head.number:
                self.seal.keep((*(() if accepted else self.lost()), head))
        finally:
            self._db.execute("ROLLBACK")
