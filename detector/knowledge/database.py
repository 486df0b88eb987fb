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

from detector.bounded import real_path
from detector.errors import StoreError
from detector.knowledge.owners import is_ours

_NOWHERE = Path(os.devnull)
_ROOM = 64 << 10


class Database:
    """One open file.

    Args:
        path: made when missing, unless `read_only`.
        what: how texts call it, e.g. "history".
        remedy: what to do when it cannot be used.
        migrations: the n-th turns version n into n + 1; statements, with a semicolon between.
        read_only: never write the file.
        oldest: the version from which on a read-only file is readable as it is; the newest when left out.
        brief: it is read for moments alone, and then leaves no trace at all. Who comes to write meanwhile is not
            noticed.
        or_empty: where there is no file to read briefly, it is as if there were an empty one.
        page_size: bytes of a page, of a file that is made.

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
        oldest: int | None = None,
        brief: bool = False,
        or_empty: bool = False,
        page_size: int | None = None,
    ) -> None:
        self.path = path
        self.what = what
        self.remedy = remedy
        if brief and not path.exists():
            if not or_empty:
                raise StoreError(str(path), f"there is no {what} here", remedy=remedy)
            path, read_only = _NOWHERE, False
        try:
            self.db = _open_to_read(path, brief=brief) if read_only else _open(path)
        except (sqlite3.Error, OSError) as error:
            raise self.failure(error) from None
        try:
            self._refuse_later(len(migrations))  # before anything is written
            if not read_only:
                if page_size is not None:
                    self.db.execute(f"PRAGMA page_size = {page_size}")
                _write_ahead(self.db)
                self.db.execute("PRAGMA synchronous = NORMAL")
                self.db.execute("PRAGMA foreign_keys = ON")
            if read_only:
                self._refuse_earlier(oldest or len(migrations))
            else:
                self._migrate(migrations)
        except StoreError:
            self.db.close()
            raise
        except sqlite3.Error as error:
            self.db.close()
            raise self.failure(error) from None

    def close(self) -> None:
        self.db.close()

    def failure(self, error: Exception) -> StoreError:
        """The error to raise for one of sqlite3's, or of the system's."""
        why = (isinstance(error, OSError) and error.strerror) or str(error)
        remedy = self.remedy
        if "not a database" in why or "malformed" in why:
            remedy = f"move the file away to begin a new one, or {remedy}"
        elif "locked" in why:
            remedy = f"another program is writing it: try again, or {remedy}"
        elif "full" in why or ("I/O" in why and _is_full(self.path)):
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

    def _refuse_earlier(self, oldest: int) -> None:
        version = self._version()
        if version < oldest:
            why = f"is of version {version}, {oldest} is needed" if version else "is empty"
            raise StoreError(str(self.path), why, remedy=self.remedy)

    def _migrate(self, migrations: Sequence[str]) -> None:
        newest = len(migrations)
        if self._version() == newest:
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


def _is_full(path: Path) -> bool:
    """SQLite says "I/O error" where its log of late changes or its index finds no room."""
    with suppress(OSError, ImportError):  # the latter where file descriptors have run out
        import shutil

        return shutil.disk_usage(path.parent).free < _ROOM
    return False


def _open(path: Path) -> sqlite3.Connection:
    if path is _NOWHERE:
        return sqlite3.connect(":memory:")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _refuse_planted(path)
    if not path.exists():
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
        with suppress(FileExistsError):  # another process was quicker
            descriptor = os.open(real_path(path), flags, 0o600)
            try:
                _give(descriptor, path.parent)
            finally:
                os.close(descriptor)
    _expect_file(path)
    return sqlite3.connect(path, timeout=2.0)


def _give(descriptor: int, folder: Path) -> None:
    """What root makes in another user's folder is for that user, a service say, who could not read it else."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _refuse_planted(path: Path) -> None:
    """SQLite follows links; one of another user leads where that user may not write. Raises OSError."""
    if path.is_symlink() and not is_ours(path.lstat().st_uid):
        raise PermissionError(errno.EPERM, "a link of another user")


def _expect_file(path: Path) -> None:
    """SQLite waits on a pipe for ever, and hears no signal meanwhile. Raises OSError."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "no regular file")


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


def _open_to_read(path: Path, *, brief: bool) -> sqlite3.Connection:
    """Also from a folder where WAL's shared memory cannot be made, once nobody writes there."""
    _expect_file(path)
    uri = f"{path.absolute().as_uri()}?mode=ro"
    log = path.with_name(f"{path.name}-wal")
    # While nobody has it open there is no log of late changes; SQLite would make an empty one, and leave it.
    whole = not log.exists() or not log.stat().st_size
    for given in (f"{uri}&immutable=1",) if brief and whole else (uri, f"{uri}&immutable=1"):
        db = sqlite3.connect(given, timeout=2.0, uri=True)
        try:
            db.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
        except sqlite3.Error as error:
            db.close()
            if not isinstance(error, sqlite3.OperationalError) or not path.exists():
                raise
            if not whole and "unable to open" in str(error):
                why = (
                    f"{error}: late changes are in {log.name}, which cannot be read without writing"
                )
                raise sqlite3.OperationalError(why) from None
            failed = error
        else:
            return db
    raise failed
