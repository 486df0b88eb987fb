"""The agent's state in its database: what stands, and when the next run is; and that nobody else keeps it too.

What a run finds and the events that tell of it are written in one transaction: there is no moment at which one is kept
and not the other. Every transaction is flushed to the disk, so that a power cut takes none back that was told.

A state that is damaged does not end an agent that nobody looks after. The file is set aside, with what SQLite keeps
beside it, and a new one is begun: the device stays who it is (detector.agent.identity), what stands is found again
under the same ids, and a notice says so. What waited for a sink is in the file that was set aside.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Self

import msgspec

from detector.agent import spool
from detector.agent.finding import Held
from detector.agent.store import FILE, open_store
from detector.errors import StoreError
from detector.knowledge.database import Database
from detector.model.no_json import NO_JSON
from detector.report.event_json import EventRecord

LOCK = "agent.lock"
_DAMAGED = ("malformed", "not a database", "disk image")
_MAX_ASIDE = 100
_DECODER = msgspec.json.Decoder(Held)
_ENCODER = msgspec.json.Encoder()


class AgentState:
    """An open one.

    Attributes:
        database: what the spool and its sinks use too.
        aside: where a damaged one was put; None where it was well.

    """

    def __init__(self, database: Database, aside: Path | None = None) -> None:
        self.database = database
        self.aside = aside

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The state in a folder, made anew where it is damaged. Raises StoreError for all else."""
        path = folder / FILE
        try:
            return cls(_sound(path))
        except StoreError as error:
            if not is_damage(error):
                raise
            aside = set_aside(path)
            return cls(_sound(path), aside)

    def close(self) -> None:
        self.database.close()

    def fact(self, name: str) -> str | None:
        """Raises StoreError."""
        with self._guarded() as db:
            row = db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def moment(self, name: str) -> datetime | None:
        """A fact that is a time. Raises StoreError."""
        with suppress(ValueError):
            found = datetime.fromisoformat(self.fact(name) or "")
            return found if found.tzinfo is not None else None
        return None

    def record[T](self, name: str, kind: type[T]) -> T | None:
        """A fact that is a value of a kind; None also where it cannot be read. Raises StoreError."""
        with suppress(*NO_JSON):
            return msgspec.json.decode(self.fact(name) or "", type=kind)
        return None

    def findings(self) -> dict[str, Held]:
        """All that are kept; rows that cannot be read are left out. Raises StoreError."""
        found: dict[str, Held] = {}
        with self._guarded() as db:
            for (body,) in db.execute("SELECT body FROM finding"):
                with suppress(*NO_JSON):
                    held = _DECODER.decode(body)
                    found[held.id] = held
        return found

    def commit(
        self,
        before: Mapping[str, Held],
        after: Mapping[str, Held],
        events: Sequence[EventRecord],
        limit: int,
        facts: Mapping[str, str] | None = None,
    ) -> spool.GivenUp:
        """Keep what stands, what is to be told and facts, all or nothing. Raises StoreError."""
        with self._guarded() as db, db:
            db.execute("BEGIN IMMEDIATE")
            gone = [(name,) for name in before if name not in after]
            db.executemany("DELETE FROM finding WHERE id = ?", gone)
            rows = [
                (name, held.place, held.record.seen.isoformat(), _ENCODER.encode(held))
                for name, held in after.items()
                if before.get(name) != held
            ]
            db.executemany("INSERT OR REPLACE INTO finding VALUES (?, ?, ?, ?)", rows)
            db.executemany(
                "INSERT OR REPLACE INTO fact VALUES (?, ?)", tuple((facts or {}).items())
            )
            return spool.keep(self.database, events, limit)

    def keep_facts(self, **facts: str) -> None:
        """Raises StoreError."""
        with self._guarded() as db, db:
            db.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", tuple(facts.items()))

    def serials(self) -> dict[str, int]:
        """Of the signed lists in force. Raises StoreError."""
        with self._guarded() as db:
            return dict(db.execute("SELECT name, serial FROM list"))

    @contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self.database.db
        except sqlite3.Error as error:
            raise self.database.failure(error) from None


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """No other agent keeps its state here meanwhile. Raises StoreError."""
    try:
        import fcntl
    except ImportError:  # Windows: services are single instances
        yield
        return
    path = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(str(path), error.strerror or str(error)) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            why = "another agent keeps its state here"
            remedy = "see tlsight agent status; stop the other one, or set STATE_DIRECTORY"
            raise StoreError(str(folder), why, remedy=remedy) from None
        yield
    finally:
        os.close(descriptor)


def is_alone(folder: Path) -> bool:
    """Whether no agent keeps its state here now, as far as that can be told."""
    try:
        import fcntl

        descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (ImportError, OSError):
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def is_damage(error: StoreError) -> bool:
    """The file itself is broken; trying again will not help."""
    return any(word in str(error) for word in _DAMAGED)


def set_aside(path: Path) -> Path:
    """Move a damaged file out of the way, with its log of late changes. Raises StoreError."""
    for number in range(1, _MAX_ASIDE):
        aside = path.with_name(f"{path.name}.damaged-{number}")
        if not aside.exists():
            break
    try:
        path.rename(aside)
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise StoreError(str(path), f"cannot be set aside: {error.strerror}") from None
    return aside


def _sound(path: Path) -> Database:
    """The open file, whole as far as a look through it tells. Raises StoreError."""
    database = open_store(path)
    try:
        # A row that was told and then taken back by a power cut would be told again, under another id.
        database.db.execute("PRAGMA synchronous = FULL")
        found = database.db.execute("PRAGMA quick_check(1)").fetchone()
        if found and found[0] != "ok":
            raise sqlite3.DatabaseError("database disk image is malformed")
    except sqlite3.Error as error:
        database.close()
        raise database.failure(error) from None
    return database
