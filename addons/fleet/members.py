"""Who belongs to a fleet, and what was published: one SQLite file in the fleet's folder.

Rules
-----
1. A token is spent and its agent written down in one transaction, on the disk before anything is answered: whatever
   dies when, a token is good for as many agents as it says, and no more.
2. The same key may ask again with the same token: its answer was lost. Another key may not.
3. A device that is known is enrolled anew only with a token that names it; its former key is void from then on.
4. Who was revoked stays in the file, so that the next token of the account holds it, too.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from detector.errors import ConfigError
from detector.knowledge.database import Database

# Wrong secrets that a token is shown with, until it is void.
MOST_WRONG = 5
_FIRST = """
CREATE TABLE token (
    id TEXT NOT NULL PRIMARY KEY, digest BLOB NOT NULL, made TEXT NOT NULL, until TEXT NOT NULL, uses INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0, wrong INTEGER NOT NULL DEFAULT 0, device TEXT, by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE member (
    user TEXT NOT NULL PRIMARY KEY, role TEXT NOT NULL, name TEXT NOT NULL, shown TEXT NOT NULL, system TEXT NOT NULL,
    enrolled TEXT NOT NULL, token TEXT, revoked INTEGER, why TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE INDEX member_by_name ON member (role, name);
CREATE TABLE published (
    name TEXT NOT NULL PRIMARY KEY, serial INTEGER NOT NULL, at TEXT NOT NULL, until TEXT NOT NULL, by TEXT NOT NULL,
    content BLOB NOT NULL, blob BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE fact (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""
_REMEDY = "put a backup of the fleet's folder back"
Refusal = Literal["unknown", "spent", "ended", "wrong", "locked", "known", "other-device"]
REFUSALS: dict[Refusal, str] = {
    "unknown": "this fleet has made no such token",
    "spent": "the token was used before",
    "ended": "the token has ended",
    "wrong": "the token's secret is wrong",
    "locked": "the token is void: it was shown with a wrong secret too often",
    "known": "this device is enrolled already: tlsight fleet token --for DEVICE makes a token to enrol it anew",
    "other-device": "the token is for another device",
}


class RefusedTokenError(Exception):
    """No agent is enrolled for it."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(REFUSALS[reason])
        self.reason: Refusal = reason


class Member(msgspec.Struct, frozen=True):
    """One user of the bus.

    Attributes:
        user: its public key.
        role: agent, gateway or centre.
        name: a device id, or a gateway's name.
        shown: what the machine calls itself; of unknown origin.
        system: e.g. "linux".
        enrolled: when, ISO 8601.
        token: id of the token that it came by.
        revoked: second since 1970 up to which its tokens are void; None where it is none.
        why: it was revoked.

    """

    user: str
    role: str
    name: str
    shown: str
    system: str
    enrolled: str
    token: str | None
    revoked: int | None
    why: str


class Published(msgspec.Struct, frozen=True):
    """A list in its last state."""

    name: str
    serial: int
    at: str
    until: str
    by: str
    content: bytes
    blob: bytes


class Members:
    """An open file. Every verb raises StoreError."""

    def __init__(self, path: Path) -> None:
        self._file = Database(path, "the fleet's list of members", _REMEDY, (_FIRST,))
        with self._told():
            # A token that was spent stays spent when the power is cut.
            self._file.db.execute("PRAGMA synchronous = FULL")
        self.path = path

    def close(self) -> None:
        self._file.close()

    def make_token(
        self,
        token: str,
        secret: str,
        now: datetime,
        until: datetime,
        uses: int,
        by: str,
        device: str | None,
    ) -> None:
        """Take a token down; its secret is not kept."""
        row = (token, _digest(token, secret), now.isoformat(), until.isoformat(), uses, device, by)
        with self._changing():
            self._file.db.execute(
                "INSERT INTO token (id, digest, made, until, uses, device, by) VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )

    def enrol(self, token: str, secret: str, agent: Member, now: datetime) -> tuple[str, ...]:
        """Spend a use of a token and write an agent down; former keys of that device, which are void from now on.

        Raises RefusedTokenError.
        """
        refused: Refusal | None
        with self._changing():
            refused = self._refused(token, secret, agent, now)
            if refused is None:
                return self._enrolled(token, agent, now)
            if refused == "wrong":
                self._file.db.execute("UPDATE token SET wrong = wrong + 1 WHERE id = ?", (token,))
        raise RefusedTokenError(refused)

    def add(self, member: Member) -> None:
        """Write down one that came without a token; its former keys are void."""
        with self._changing():
            now = datetime.fromisoformat(member.enrolled)
            self._void(member.role, member.name, now, "replaced")
            self._insert(member)

    def revoke(self, role: str, name: str, now: datetime, why: str) -> int:
        """Make all keys of a member void; how many. Raises ConfigError where there is none."""
        with self._changing():
            count = len(self._void(role, name, now, why))
        if not count:
            raise ConfigError(
                name, f"is no {role} of this fleet", remedy="tlsight fleet agents shows them"
            )
        return count

    def revoked(self) -> dict[str, int]:
        """By public key, the second up to which its tokens are void."""
        rows = self._rows("SELECT user, revoked FROM member WHERE revoked IS NOT NULL")
        return {str(user): int(str(at)) for user, at in rows}

    def all(self, role: str | None = None) -> list[Member]:
        """Members, the first first."""
        rows = self._rows(
            "SELECT user, role, name, shown, system, enrolled, token, revoked, why FROM member"
            " WHERE ? IS NULL OR role = ? ORDER BY enrolled, name",
            role,
            role,
        )
        return [msgspec.convert(row, Member, strict=False) for row in map(_as_fields, rows)]

    def published(self, name: str | None = None) -> list[Published]:
        """Lists in their last state."""
        rows = self._rows(
            "SELECT name, serial, at, until, by, content, blob FROM published WHERE ? IS NULL OR name = ?"
            " ORDER BY name",
            name,
            name,
        )
        return [Published(*row) for row in rows]  # type: ignore[arg-type]

    def publish(self, one: Published) -> None:
        """Keep a list's state, before it is sent."""
        with self._changing():
            self._file.db.execute(
                "INSERT OR REPLACE INTO published (name, serial, at, until, by, content, blob)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                msgspec.structs.astuple(one),
            )

    def fact(self, name: str) -> str | None:
        rows = self._rows("SELECT value FROM fact WHERE name = ?", name)
        return str(rows[0][0]) if rows else None

    def keep(self, name: str, value: str) -> None:
        with self._changing():
            self._file.db.execute(
                "INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)", (name, value)
            )

    def version(self) -> int:
        """Another one where another process has written."""
        ((number,),) = self._rows("PRAGMA data_version")
        return int(str(number))

    def _refused(self, token: str, secret: str, agent: Member, now: datetime) -> Refusal | None:
        rows = self._rows(
            "SELECT digest, until, uses, used, wrong, device FROM token WHERE id = ?", token
        )
        if not rows:
            return "unknown"
        digest, until, uses, used, wrong, device = rows[0]
        if int(str(wrong)) >= MOST_WRONG:
            return "locked"
        assert isinstance(digest, bytes)
        if not hmac.compare_digest(digest, _digest(token, secret)):
            return "wrong"
        if device is not None and device != agent.name:
            return "other-device"
        known = self._rows(
            "SELECT user, token FROM member WHERE role = 'agent' AND name = ? AND revoked IS NULL",
            agent.name,
        )
        if (agent.user, token) in known:
            return None  # its answer was lost
        if datetime.fromisoformat(str(until)) <= now:
            return "ended"
        if int(str(used)) >= int(str(uses)):
            return "spent"
        if known and device is None:
            return "known"
        if self._rows("SELECT 1 FROM member WHERE user = ?", agent.user):
            return "spent"  # a key that was revoked is none any more
        return None

    def _enrolled(self, token: str, agent: Member, now: datetime) -> tuple[str, ...]:
        if self._rows("SELECT 1 FROM member WHERE user = ?", agent.user):
            return ()
        self._file.db.execute("UPDATE token SET used = used + 1 WHERE id = ?", (token,))
        former = self._void("agent", agent.name, now, "enrolled anew")
        self._insert(agent)
        return former

    def _void(self, role: str, name: str, now: datetime, why: str) -> tuple[str, ...]:
        rows = self._rows(
            "SELECT user FROM member WHERE role = ? AND name = ? AND revoked IS NULL", role, name
        )
        self._file.db.execute(
            "UPDATE member SET revoked = ?, why = ? WHERE role = ? AND name = ? AND revoked IS NULL",
            (int(now.timestamp()), why, role, name),
        )
        return tuple(str(user) for (user,) in rows)

    def _insert(self, one: Member) -> None:
        self._file.db.execute(
            "INSERT INTO member (user, role, name, shown, system, enrolled, token, revoked, why)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            msgspec.structs.astuple(one),
        )

    def _rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        with self._told():
            return self._file.db.execute(query, values).fetchall()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._told():
            self._file.db.execute("BEGIN IMMEDIATE")
            with self._file.db:
                yield

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._file.failure(error) from None


def fresh_token() -> tuple[str, str]:
    """An id and a secret."""
    return secrets.token_hex(8), secrets.token_urlsafe(32)


def _digest(token: str, secret: str) -> bytes:
    return hashlib.sha256(
        b"tlsight fleet token\0" + token.encode() + b"\0" + secret.encode()
    ).digest()


def _as_fields(row: tuple[object, ...]) -> dict[str, object]:
    return dict(zip(Member.__struct_fields__, row, strict=True))
