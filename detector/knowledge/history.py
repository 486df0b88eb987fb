"""What earlier runs saw: keys of private paths with their hosts, how proven hosts looked, and the keys of
signers that were not sent, which cost a minute each to compute. Beside them stand the readings of paths
(detector.knowledge.path_readings).

SQLite in the XDG state folder. Only what a later verdict needs is kept, for 90 days, and at most
MAX_ROWS of each kind; nothing about hosts on public paths but the last proven state.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from detector.evidence.examination import Examination
from detector.evidence.sharing import SharedKey, Sharing, Use, keys_of, use_of
from detector.knowledge.database import Database
from detector.knowledge.folders import HISTORY, state_folder
from detector.known.knowledge import Baseline
from detector.model.observation import Judgement

MAX_ROWS = 100_000
MAX_SIGNERS = 64
KEPT = timedelta(days=90)
_BATCH = 200

_SCHEMA = """
CREATE TABLE key_use (
    role TEXT NOT NULL, identity TEXT NOT NULL, certain INTEGER NOT NULL,
    domain TEXT NOT NULL, host TEXT NOT NULL, ip TEXT, seen TEXT NOT NULL,
    PRIMARY KEY (role, identity, domain)
) STRICT, WITHOUT ROWID;
CREATE TABLE baseline (
    host TEXT NOT NULL, port INTEGER NOT NULL, leaf_spki TEXT NOT NULL, issuer_spki TEXT,
    version TEXT, alpn TEXT, seen TEXT NOT NULL,
    PRIMARY KEY (host, port)
) STRICT, WITHOUT ROWID;
"""
# What makes a use decide, and a host known to be public: whatever was kept before them decides nothing.
_STANDING = """
ALTER TABLE key_use ADD COLUMN public INTEGER NOT NULL DEFAULT 0;
ALTER TABLE key_use ADD COLUMN inner_address INTEGER NOT NULL DEFAULT 0;
ALTER TABLE key_use ADD COLUMN named INTEGER NOT NULL DEFAULT 1;
ALTER TABLE baseline ADD COLUMN logged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE baseline ADD COLUMN issued TEXT;
ALTER TABLE baseline ADD COLUMN expires TEXT;
"""
# Signers stay when all else is forgotten: a key does not grow old, and was paid for.
_SIGNERS = """
CREATE TABLE signer (
    spki BLOB NOT NULL PRIMARY KEY, found TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
# How hosts were reached, by network: see detector.knowledge.path_readings.
_PATHS = """
CREATE TABLE network (
    id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, seen TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE path (
    network TEXT NOT NULL, target TEXT NOT NULL, body BLOB NOT NULL,
    first TEXT NOT NULL, last TEXT NOT NULL, times INTEGER NOT NULL,
    PRIMARY KEY (network, target, body)
) STRICT, WITHOUT ROWID;
"""
# What a run holds for public is the user's to say: each row belongs to the roots and logs that were given, "" for
# none. Rows from before cannot tell, and count as of none. Columns of keys stand first: SQLite before 3.41 takes such
# a table for damaged otherwise.
_USE = "role, identity, domain, certain, host, ip, seen, public, inner_address, named"
_LOOK = "host, port, leaf_spki, issuer_spki, version, alpn, seen, logged, issued, expires"
_ANCHORS = f"""
ALTER TABLE key_use RENAME TO key_use_before;
CREATE TABLE key_use (
    role TEXT NOT NULL, identity TEXT NOT NULL, domain TEXT NOT NULL, anchors TEXT NOT NULL DEFAULT '',
    certain INTEGER NOT NULL, host TEXT NOT NULL, ip TEXT, seen TEXT NOT NULL,
    public INTEGER NOT NULL DEFAULT 0, inner_address INTEGER NOT NULL DEFAULT 0,
    named INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (role, identity, domain, anchors)
) STRICT, WITHOUT ROWID;
INSERT INTO key_use ({_USE}) SELECT {_USE} FROM key_use_before;
DROP TABLE key_use_before;
ALTER TABLE baseline RENAME TO baseline_before;
CREATE TABLE baseline (
    host TEXT NOT NULL, port INTEGER NOT NULL, anchors TEXT NOT NULL DEFAULT '',
    leaf_spki TEXT NOT NULL, issuer_spki TEXT, version TEXT, alpn TEXT, seen TEXT NOT NULL,
    logged INTEGER NOT NULL DEFAULT 0, issued TEXT, expires TEXT,
    PRIMARY KEY (host, port, anchors)
) STRICT, WITHOUT ROWID;
INSERT INTO baseline ({_LOOK}) SELECT {_LOOK} FROM baseline_before;
DROP TABLE baseline_before;
"""
_KEEP_USE = f"REPLACE INTO key_use ({_USE}, anchors) VALUES (?,?,?,?,?,?,?,?,?,?,?)"
_KEEP_LOOK = f"REPLACE INTO baseline ({_LOOK}, anchors) VALUES (?,?,?,?,?,?,?,?,?,?,?)"
MIGRATIONS = (_SCHEMA, _STANDING, _SIGNERS, _PATHS, _ANCHORS)


def default_path(environment: Mapping[str, str]) -> Path:
    """In systemd's STATE_DIRECTORY, else in the XDG state folder."""
    return state_folder(environment) / HISTORY


def look(path: Path, remedy: str = "use --no-history or --history FILE") -> None:
    """Whether a run could use it; nothing is changed. Raises StoreError."""
    Database(path, "history", remedy, MIGRATIONS, read_only=True, oldest=1, brief=True).close()


class History:
    """The open database. Raises StoreError, once, for whatever stops it from being used."""

    def __init__(
        self,
        path: Path,
        now: Callable[[], datetime],
        remedy: str = "use --no-history or --history FILE",
    ) -> None:
        self._now = now
        self._uses: list[tuple[object, ...]] = []
        self._baselines: list[tuple[object, ...]] = []
        self._file = Database(path, "history", remedy, MIGRATIONS)
        self._db = self._file.db

    def fill(self, sharing: Sharing, anchors: str = "") -> None:
        """Put what earlier runs with these `Knowledge.anchors` saw into `sharing`."""
        query = (
            "SELECT role, identity, certain, host, domain, ip, public, inner_address, named"
            " FROM key_use WHERE seen >= ? AND anchors = ? ORDER BY seen DESC LIMIT ?"
        )
        oldest = (self._now() - KEPT).isoformat()
        try:
            for role, identity, certain, *use in self._db.execute(
                query, (oldest, anchors, MAX_ROWS)
            ):
                host, domain, ip, public, inner, named = use
                key = SharedKey(role, identity, bool(certain))
                sharing.add(key, Use(host, domain, ip, bool(public), bool(inner), bool(named)))
        except sqlite3.Error as error:
            raise self._file.failure(error) from None

    def baseline(self, host: str, port: int, anchors: str = "") -> Baseline | None:
        """How the host looked when it was last proven direct by these `Knowledge.anchors`, None when it never was."""
        query = (
            "SELECT leaf_spki, issuer_spki, version, alpn, seen, logged, issued, expires FROM baseline"
            " WHERE host = ? AND port = ? AND anchors = ?"
        )
        try:
            row = self._db.execute(query, (host, port, anchors)).fetchone()
        except sqlite3.Error as error:
            raise self._file.failure(error) from None
        if row is None:
            return None
        leaf, issuer, version, alpn, seen, logged, issued, expires = row
        return Baseline(
            "recorded", True, leaf, issuer, version, alpn, datetime.fromisoformat(seen), bool(logged),
            datetime.fromisoformat(issued) if issued else None,
            datetime.fromisoformat(expires) if expires else None,
        )  # fmt: skip

    def signers(self) -> tuple[bytes, ...]:
        """Keys (SPKI) that earlier runs computed, the latest first, at most MAX_SIGNERS."""
        query = "SELECT spki FROM signer ORDER BY found DESC, spki LIMIT ?"
        try:
            return tuple(spki for (spki,) in self._db.execute(query, (MAX_SIGNERS,)))
        except sqlite3.Error as error:
            raise self._file.failure(error) from None

    def keep_signers(self, keys: Iterable[bytes]) -> None:
        """Remember keys (SPKI), at once: they must not be lost with what else a run leaves."""
        at = self._now().isoformat()
        oldest = (
            "DELETE FROM signer WHERE spki NOT IN"
            " (SELECT spki FROM signer ORDER BY found DESC, spki LIMIT ?)"
        )
        try:
            with self._db:
                self._db.executemany("REPLACE INTO signer VALUES (?, ?)", ((k, at) for k in keys))
                self._db.execute(oldest, (MAX_SIGNERS,))
        except sqlite3.Error as error:
            raise self._file.failure(error) from None

    def record(self, seen: Examination, judgement: Judgement) -> None:
        """Remember one observation; written in batches, and on close."""
        at = seen.observation.at.isoformat()
        for key in keys_of(seen):
            use = use_of(seen)
            row = (key.role, key.identity, use.domain, int(key.certain), use.host, use.ip, at)
            standing = int(use.public), int(use.inner), int(use.named)
            self._uses.append((*row, *standing, seen.known.anchors))
        handshake = seen.observation.handshake
        if judgement.verdict == "direct" and seen.is_public_path and handshake is not None:
            target = seen.observation.target
            self._baselines.append(
                (
                    target.host,
                    target.port,
                    seen.leaf.spki_sha256,
                    seen.issuer_spki_sha256,
                    handshake.version,
                    handshake.alpn,
                    at,
                    int(seen.sct_verified),
                    seen.leaf.not_before.isoformat(),
                    seen.leaf.not_after.isoformat(),
                    seen.known.anchors,
                )
            )
        if len(self._uses) + len(self._baselines) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what waits. Raises StoreError; what could not be written is dropped."""
        uses, self._uses = self._uses, []
        baselines, self._baselines = self._baselines, []
        if not uses and not baselines:
            return
        try:
            with self._db:
                self._db.executemany(_KEEP_USE, uses)
                self._db.executemany(_KEEP_LOOK, baselines)
        except sqlite3.Error as error:
            raise self._file.failure(error) from None

    def close(self) -> None:
        """Flush, prune, close. Raises StoreError."""
        try:
            self.flush()
            oldest = (self._now() - KEPT).isoformat()
            with self._db:
                for table in ("key_use", "baseline"):
                    self._db.execute(f"DELETE FROM {table} WHERE seen < ?", (oldest,))
                    self._trim(table)
        except sqlite3.Error as error:
            raise self._file.failure(error) from None
        finally:
            self._db.close()

    def _trim(self, table: str) -> None:
        (count,) = self._db.execute(f"SELECT count(*) FROM {table}").fetchone()
        if count > MAX_ROWS:
            query = f"SELECT seen FROM {table} ORDER BY seen LIMIT 1 OFFSET ?"
            (limit,) = self._db.execute(query, (count - MAX_ROWS,)).fetchone()
            self._db.execute(f"DELETE FROM {table} WHERE seen < ?", (limit,))
