"""An SQLite file of tlsight's own: opened safely, migrated step by step, every trouble one StoreError.

WAL, so that readers and one writer do not wait for each other and a killed process loses nothing that
was committed. Files are made with mode 0600, folders with 0700; a damaged file is left as it is.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from detector.errors import StoreError
from detector.knowledge.owners import is_ours


class Database:
    """One open file.

    Args:
        path: made when missing, unless `read_only`.
        what: how texts call it, e.g. "history".
        remedy: what to do when it cannot be used.
        migrations: the n-th turns version n into n + 1; statements, with a semicolon between.
        read_only: never write, not even beside the file.

    Raises StoreError for whatever stops it from being used: a damaged file, a full disk, a lock held
    for longer than two seconds, a version from the future.

    """

    def __init__(
        self,
        path: Path,
        what: str,
        remedy: str,
        migrations: Sequence[str],
        *,
        read_only: bool = False,
    ) -> None:
        self.path = path
        self.what = what
        self.remedy = remedy
        try:
            self.db = _open_to_read(path) if read_only else _open(path)
        except (sqlite3.Error, OSError) as error:
            raise self.failure(error) from None
        try:
            self._refuse_later(len(migrations))  # before anything is written
            if not read_only:
                _write_ahead(self.db)
                self.db.execute("PRAGMA synchronous = NORMAL")
                self.db.execute("PRAGMA foreign_keys = ON")
            self._migrate(migrations, read_only=read_only)
        except StoreError:
            self.db.close()
            raise
        except sqlite3.Error as error:
            self.db.close()
            raise self.failure(error) from None

    def close(self) -> None:
        self.db.close()

    def failure(self, error: Exception) -> StoreError:
        """The error to raise for one of sqlite3's."""
        why = str(error)
        remedy = self.remedy
        if "not a database" in why or "malformed" in why:
            remedy = f"move the file away to begin a new one, or {remedy}"
        elif "full" in why:
            remedy = f"free some space, or {remedy}"
        return StoreError(str(self.path), f"{self.what} cannot be used: {why}", remedy=remedy)

    def _version(self) -> int:
        (version,) = self.db.execute("PRAGMA user_version").fetchone()
        return int(version)

    def _refuse_later(self, newest: int) -> None:
        version = self._version()
        if version > newest:
            why = f"is of version {version}, this tlsight knows {newest}"
            raise StoreError(str(self.path), why, remedy=f"update tlsight, or {self.remedy}")

    def _migrate(self, migrations: Sequence[str], *, read_only: bool) -> None:
        version, newest = self._version(), len(migrations)
        if read_only:
            if version < newest:
                why = f"is of version {version}, {newest} is needed"
                raise StoreError(str(self.path), why, remedy=self.remedy)
            return
        if version == newest:
            return
        self.db.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have been quicker: look again under the lock.
            self._refuse_later(newest)
            for script in migrations[self._version() :]:
                for statement in script.split(";"):
                    self.db.execute(statement)
            self.db.execute(f"PRAGMA user_version = {newest}")
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:  # a full disk has ended it already
                self.db.execute("ROLLBACK")
            raise


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _refuse_planted(path)
    if not path.exists():
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
        with suppress(FileExistsError):  # another process was quicker
            os.close(os.open(path.resolve(), flags, 0o600))
    return sqlite3.connect(path, timeout=2.0)


def _refuse_planted(path: Path) -> None:
    """SQLite follows links; one of another user leads where that user may not write. Raises OSError."""
    if path.is_symlink() and not is_ours(path.lstat().st_uid):
        raise PermissionError(errno.EPERM, "a link of another user")


def _write_ahead(db: sqlite3.Connection) -> None:
    """Turn WAL on. SQLite does not wait for a lock here, so two that begin at once must."""
    for _ in range(40):
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(0.05)
    db.execute("PRAGMA journal_mode = WAL")


def _open_to_read(path: Path) -> sqlite3.Connection:
    """Also from a folder where WAL's shared memory cannot be made, once nobody writes there."""
    uri = path.absolute().as_uri()
    db = sqlite3.connect(f"{uri}?mode=ro", timeout=2.0, uri=True)
    try:
        db.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
    except sqlite3.Error as error:
        db.close()
        if not isinstance(error, sqlite3.OperationalError) or not path.exists():
            raise
        db = sqlite3.connect(f"{uri}?mode=ro&immutable=1", timeout=2.0, uri=True)
    return db
