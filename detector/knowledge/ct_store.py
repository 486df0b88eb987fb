"""What was looked up in Certificate Transparency: issuers by host, proofs by leaf. SQLite.

Theory of operation
-------------------
A host's answer is one row of `lookup` and one short row an issuer, so that a million of them fit and
one is found in microseconds; the few hundred issuers are told apart once. An answer that came over a
connection nobody vouches for is kept beside the trusted one, never instead of it, and never counts.
Nothing is deleted for being stale: stale knowledge, marked, is better than none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from detector.ct.issuance import IssuanceLookup, LoggedIssuer, common_name
from detector.ct.tree_head import TreeHead
from detector.knowledge.database import Database
from detector.knowledge.folders import state_folder
from detector.known.hosts import HostPattern
from detector.known.issuers import KnownIssuers, merged
from detector.model.no_json import NO_JSON
from detector.model.observation import InclusionProof

_SCHEMA = """
CREATE TABLE lookup (
    id INTEGER PRIMARY KEY, host TEXT NOT NULL, source TEXT NOT NULL, trusted INTEGER NOT NULL,
    fetched INTEGER NOT NULL, ttl INTEGER NOT NULL, complete INTEGER NOT NULL, etag TEXT,
    UNIQUE (host, trusted, source)
) STRICT;
CREATE TABLE issuer (
    id INTEGER PRIMARY KEY, spki BLOB NOT NULL, name TEXT NOT NULL, UNIQUE (spki, name)
) STRICT;
CREATE TABLE logged (
    lookup INTEGER NOT NULL REFERENCES lookup (id) ON DELETE CASCADE,
    issuer INTEGER NOT NULL REFERENCES issuer (id), certificates INTEGER NOT NULL,
    exact INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (lookup, issuer)
) STRICT, WITHOUT ROWID;
CREATE TABLE leaf_key (
    lookup INTEGER NOT NULL REFERENCES lookup (id) ON DELETE CASCADE, spki BLOB NOT NULL,
    PRIMARY KEY (lookup, spki)
) STRICT, WITHOUT ROWID;
CREATE TABLE inclusion (
    leaf BLOB PRIMARY KEY, proof BLOB NOT NULL, fetched INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE tree_head (
    log BLOB PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, timestamp INTEGER NOT NULL
) STRICT, WITHOUT ROWID
"""
_FIND = """
SELECT l.source, l.fetched, l.ttl, l.complete, i.spki, i.name, g.exact
FROM lookup l LEFT JOIN logged g ON g.lookup = l.id LEFT JOIN issuer i ON i.id = g.issuer
WHERE l.host = ? AND l.trusted = 1
"""
_READ = """
SELECT id, host, source, trusted, fetched, ttl, complete, etag FROM lookup
"""


_WHAT, _REMEDY = "store of CT knowledge", "use --no-store or --store FILE"


def default_path(environment: Mapping[str, str]) -> Path:
    """In systemd's STATE_DIRECTORY, else in the XDG state folder."""
    return state_folder(environment) / "ct.sqlite3"


def look(path: Path) -> None:
    """Whether a run could use it; nothing is changed. Raises StoreError."""
    Database(path, _WHAT, _REMEDY, (_SCHEMA,), read_only=True, brief=True).close()


class CtStore:
    """The open store. Raises StoreError for whatever stops it from being used.

    Args:
        path: the file; made when missing, unless `read_only`.
        read_only: as a check wants it; also works in a folder that cannot be written.

    Attributes:
        trouble: the last error of a question that does not raise.

    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._file = Database(path, _WHAT, _REMEDY, (_SCHEMA,), read_only=read_only)
        self._db = self._file.db
        self.trouble: Exception | None = None

    def find(self, host: str) -> KnownIssuers | None:
        """What the trusted answers say about a host's issuers. Never raises."""
        try:
            rows = self._db.execute(_FIND, (host,)).fetchall()
        except sqlite3.Error as error:
            self.trouble = self._file.failure(error)
            return None
        if not rows:
            return None
        by_source: dict[str, list[tuple[int, int, int, bytes | None, str | None, int | None]]] = {}
        for source, *rest in rows:
            by_source.setdefault(source, []).append(tuple(rest))
        return merged([_known(host, source, found) for source, found in by_source.items()])

    def lookups(self, host: str) -> list[IssuanceLookup]:
        """Every answer about a host, trusted ones first, then by source. Raises StoreError."""
        query = f"{_READ} WHERE host = ? ORDER BY trusted DESC, source"
        return list(self._read(query, (host,)))

    def all_lookups(self) -> Iterator[IssuanceLookup]:
        """Everything, by host. Raises StoreError."""
        return self._read(f"{_READ} ORDER BY host, trusted DESC, source", ())

    def save(self, lookups: Iterable[IssuanceLookup]) -> int:
        """Put answers in, each in place of the one of the same source and trust; how many.

        All of them or, on a StoreError, none.
        """
        count = 0
        try:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                for lookup in lookups:
                    self._put(lookup)
                    count += 1
        except sqlite3.Error as error:
            raise self._file.failure(error) from None
        return count

    def proof(self, leaf_sha256: str) -> InclusionProof | None:
        """The inclusion proof of a leaf, None without one. Never raises."""
        query = "SELECT proof FROM inclusion WHERE leaf = ?"
        try:
            row = self._db.execute(query, (bytes.fromhex(leaf_sha256),)).fetchone()
            return msgspec.msgpack.decode(row[0], type=InclusionProof) if row else None
        except sqlite3.Error as error:
            self.trouble = self._file.failure(error)
        except (*NO_JSON, ValueError):
            pass  # not ours to repair: it is asked for again
        return None

    def save_proof(self, leaf_sha256: str, proof: InclusionProof, at: datetime) -> None:
        """Raises StoreError."""
        row = (bytes.fromhex(leaf_sha256), msgspec.msgpack.encode(proof), _seconds(at))
        self._write("REPLACE INTO inclusion VALUES (?, ?, ?)", row)

    def tree_head(self, log_id: bytes) -> TreeHead | None:
        """The largest head that was seen of a log, None for none. Never raises."""
        query = "SELECT size, root, timestamp FROM tree_head WHERE log = ?"
        try:
            row = self._db.execute(query, (log_id,)).fetchone()
        except sqlite3.Error as error:
            self.trouble = self._file.failure(error)
            return None
        return TreeHead(row[0], row[1], row[2], ()) if row else None

    def save_tree_head(self, log_id: bytes, head: TreeHead) -> None:
        """Raises StoreError. The caller has verified the head, and that it contradicts none."""
        query = (
            "INSERT INTO tree_head VALUES (?, ?, ?, ?) ON CONFLICT (log) DO UPDATE SET"
            " size = excluded.size, root = excluded.root, timestamp = excluded.timestamp"
            " WHERE excluded.size >= size"
        )
        self._write(query, (log_id, head.size, head.root, head.timestamp_ms))

    def close(self) -> None:
        self._file.close()

    def _write(self, query: str, row: tuple[object, ...]) -> None:
        try:
            with self._db:
                self._db.execute(query, row)
        except sqlite3.Error as error:
            raise self._file.failure(error) from None

    def _put(self, lookup: IssuanceLookup) -> None:
        key = (lookup.host, int(lookup.trusted), lookup.source)
        self._db.execute("DELETE FROM lookup WHERE host = ? AND trusted = ? AND source = ?", key)
        number = self._db.execute(
            "INSERT INTO lookup (host, trusted, source, fetched, ttl, complete, etag)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*key, _seconds(lookup.fetched), lookup.ttl, int(lookup.complete), lookup.etag),
        ).lastrowid
        for issuer in lookup.issuers:
            identity = (bytes.fromhex(issuer.spki_sha256 or ""), issuer.name)
            self._db.execute("INSERT OR IGNORE INTO issuer (spki, name) VALUES (?, ?)", identity)
            self._db.execute(
                "INSERT OR IGNORE INTO logged SELECT ?, id, ?, ?, ?, ? FROM issuer"
                " WHERE spki = ? AND name = ?",
                (
                    number,
                    issuer.certificates,
                    int(issuer.exact),
                    _seconds(issuer.first),
                    _seconds(issuer.last),
                    *identity,
                ),
            )
        keys = ((number, bytes.fromhex(key)) for key in lookup.leaf_keys)
        self._db.executemany("INSERT OR IGNORE INTO leaf_key VALUES (?, ?)", keys)

    def _read(self, query: str, values: tuple[str, ...]) -> Iterator[IssuanceLookup]:
        try:
            for number, host, source, trusted, fetched, ttl, complete, etag in self._db.execute(
                query, values
            ):
                yield IssuanceLookup(
                    host=host,
                    source=source,
                    fetched=_time(fetched),
                    ttl=ttl,
                    trusted=bool(trusted),
                    complete=bool(complete),
                    issuers=self._issuers(number),
                    leaf_keys=self._leaf_keys(number),
                    etag=etag,
                )
        except sqlite3.Error as error:
            raise self._file.failure(error) from None

    def _issuers(self, lookup: int) -> tuple[LoggedIssuer, ...]:
        query = (
            "SELECT i.name, i.spki, g.certificates, g.exact, g.first, g.last FROM logged g"
            " JOIN issuer i ON i.id = g.issuer WHERE g.lookup = ?"
            " ORDER BY g.certificates DESC, i.name"
        )
        return tuple(
            LoggedIssuer(name, spki.hex() or None, count, bool(exact), _time(first), _time(last))
            for name, spki, count, exact, first, last in self._db.execute(query, (lookup,))
        )

    def _leaf_keys(self, lookup: int) -> tuple[str, ...]:
        query = "SELECT spki FROM leaf_key WHERE lookup = ?"
        return tuple(spki.hex() for (spki,) in self._db.execute(query, (lookup,)))


def _known(
    host: str,
    source: str,
    rows: list[tuple[int, int, int, bytes | None, str | None, int | None]],
) -> KnownIssuers:
    fetched, ttl, complete = rows[0][:3]
    logged = [(spki, name, exact) for _, _, _, spki, name, exact in rows if name is not None]
    return KnownIssuers(
        host=HostPattern(host),
        spki=frozenset(spki.hex() for spki, _, _ in logged if spki),
        source=source,
        names=frozenset(common_name(name or "") for _, name, _ in logged),
        exact=any(exact for _, _, exact in logged),
        complete=bool(complete),
        fetched=_time(fetched),
        until=_time(fetched + ttl),
    )


def _seconds(time: datetime) -> int:
    return int(time.timestamp())


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
