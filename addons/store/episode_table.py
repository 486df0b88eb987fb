"""Episodes in the store, and what is still to be told of them.

Several proxies may judge the same store. An episode is opened by the first of them, since no two open ones share a
cause, and changed by whoever finds it as it was read. What is to be told is kept in the same transaction, so that it is
told at least once, by whichever proxy takes it first.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import msgspec

from addons.bypass.episodes import Episode, Step, message
from detector.model.no_json import NO_JSON

MAX_OPEN, MAX_NOTICES = 300, 500
_KEPT = timedelta(days=30)
# As long as one that was taken is not given to anybody else.
_LEASE = timedelta(seconds=60)
_LATEST, MOST_WAIT = timedelta(hours=24), timedelta(hours=1)


class Notice(msgspec.Struct, frozen=True):
    """A message that waits; `number` tells it from all others."""

    number: int
    at: datetime
    tries: int
    body: bytes


class Episodes:
    """Part of a BypassStore; `failing` turns sqlite3's errors into the store's."""

    def __init__(
        self, db: sqlite3.Connection, failing: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._db = db
        self._failing = failing

    def opened(self) -> list[Episode]:
        """What breaks now, the latest first; nothing in a store of old."""
        return self._read("closed IS NULL", MAX_OPEN)

    def closed(self, most: int = 50) -> list[Episode]:
        """What broke, the latest first."""
        return self._read("closed IS NOT NULL", most)

    def apply(
        self, before: Sequence[Episode], steps: Sequence[Step], now: datetime, *, tell: bool
    ) -> list[Step]:
        """Keep them, all or none; those that nobody else has made meanwhile. `tell` also keeps what to tell."""
        texts = {one.id: _json(one) for one in before}
        made: list[Step] = []
        with self._failing(), self._db:
            (room,) = self._db.execute(
                "SELECT ? - count(*) FROM episode WHERE closed IS NULL", (MAX_OPEN,)
            ).fetchone()
            for step in steps:
                one = step.episode
                if one.id not in texts:
                    room -= 1
                    if room < 0:
                        continue
                    query = "INSERT OR IGNORE INTO episode VALUES (?, ?, ?, NULL, ?)"
                    values: tuple[object, ...] = (one.id, one.key, _text(one.opened), _json(one))
                else:
                    query = "UPDATE episode SET closed = ?, body = ? WHERE id = ? AND body = ?"
                    closed = _text(one.closed) if one.closed is not None else None
                    values = (closed, _json(one), one.id, texts[one.id])
                if self._db.execute(query, values).rowcount != 1:
                    continue
                made.append(step)
                if step.event is not None and tell:
                    self._db.execute(
                        "INSERT INTO notice (at, due, tries, body) VALUES (?, ?, 0, ?)",
                        (_text(now), _text(now), _json(message(one, step.event, now))),
                    )
            self._db.execute(
                "DELETE FROM episode WHERE closed < ? OR id IN (SELECT id FROM episode"
                " WHERE closed IS NOT NULL ORDER BY closed DESC LIMIT -1 OFFSET ?)",
                (_text(now - _KEPT), MAX_OPEN),
            )
            self._db.execute(
                "DELETE FROM notice WHERE number IN"
                " (SELECT number FROM notice ORDER BY number DESC LIMIT -1 OFFSET ?)",
                (MAX_NOTICES,),
            )
        return made

    def take(self, now: datetime) -> Notice | None:
        """The next message that is due, for the caller alone for a minute."""
        with self._failing(), self._db:
            found = self._db.execute(
                "UPDATE notice SET due = ? WHERE number ="
                " (SELECT number FROM notice WHERE due <= ? ORDER BY due, number LIMIT 1)"
                " RETURNING number, at, tries, body",
                (_text(now + _LEASE), _text(now)),
            ).fetchall()
        for number, at, tries, body in found:
            named = {"number": number, **msgspec.json.decode(body)}
            return Notice(number, datetime.fromisoformat(at), tries, msgspec.json.encode(named))
        return None

    def told(self, number: int) -> None:
        """It has arrived."""
        with self._failing(), self._db:
            self._db.execute("DELETE FROM notice WHERE number = ?", (number,))

    def failed(self, notice: Notice, now: datetime) -> bool:
        """It has not: again later, and later each time; False where it is given up."""
        if now - notice.at >= _LATEST:
            self.told(notice.number)
            return False
        wait = min(timedelta(seconds=10 * 2 ** min(notice.tries, 10)), MOST_WAIT)
        with self._failing(), self._db:
            self._db.execute(
                "UPDATE notice SET due = ?, tries = tries + 1 WHERE number = ?",
                (_text(now + wait), notice.number),
            )
        return True

    def waiting(self) -> int:
        """How many messages nobody has taken."""
        with self._failing():
            if not self._is_there():
                return 0
            return int(self._db.execute("SELECT count(*) FROM notice").fetchone()[0])

    def _read(self, which: str, most: int) -> list[Episode]:
        query = f"SELECT body FROM episode WHERE {which} ORDER BY opened DESC LIMIT ?"  # noqa: S608 (literals)
        found: list[Episode] = []
        with self._failing():
            rows = self._db.execute(query, (most,)).fetchall() if self._is_there() else []
        for (body,) in rows:
            try:
                found.append(msgspec.json.decode(body, type=Episode))
            except NO_JSON:
                continue  # of a version to come
        return found

    def _is_there(self) -> bool:
        query = "SELECT 1 FROM sqlite_schema WHERE name = 'episode'"
        return self._db.execute(query).fetchone() is not None


def _json(value: Episode | Mapping[str, object]) -> str:
    return msgspec.json.encode(value).decode()


def _text(at: datetime) -> str:
    return at.isoformat()
