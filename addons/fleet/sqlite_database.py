"""The fleet's database in one SQLite file: what `tlsight fleet serve` has without any set-up.

One thread writes and one reads, each with a connection of its own, so that a page that reads for long delays no
commit (WAL). synchronous is FULL: what is acknowledged to the bus after a commit is forgotten there one day, so a power
cut may not take it back; at a thousand rows a commit the flush costs nothing that can be measured.

A statement with many rows is made one of many VALUES. Python's sqlite3 lets go of the interpreter's lock once a
statement, and takes it again behind a thread that decodes the next batch, which gives it up after 5 ms: row by row, and
still by hundreds of rows, the writing thread would wait for the lock as long as it writes.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from addons.fleet.database import Row, Value
from addons.fleet.schema import FIRST
from detector.errors import StoreError
from detector.knowledge.database import Database

_WHAT = "fleet's database"
_REMEDY = "restore a copy, or move the file away to begin a new one"
_MIGRATIONS = (FIRST,)
_PAGE = 8192  # an event with its evidence fits in one
_TUNING = (
    "PRAGMA synchronous = FULL",
    "PRAGMA cache_size = -65536",  # 64 MiB: ids are random, so an insert touches any page of its index
    "PRAGMA wal_autocheckpoint = 16384",
    "PRAGMA journal_size_limit = 134217728",
)
_VALUES = re.compile(r"VALUES (\([?, ]+\))")
_CHUNKS = (1000, 250, 32)  # rows; few sizes, so that their statements stay prepared
_MOST_VALUES = 32_000  # SQLITE_MAX_VARIABLE_NUMBER is 32,766


class SqliteDatabase:
    """An open FleetDatabase; see addons.fleet.database."""

    def __init__(self, path: Path, writer: _Worker | None, reader: _Worker) -> None:
        self.path = path
        self._writer = writer
        self._reader = reader

    async def read(self, query: str, *values: Value) -> list[Row]:
        return await self._reader.do(lambda db: _read(db, query, values))

    async def write(self, statements: Sequence[tuple[str, Sequence[Row]]]) -> None:
        if self._writer is None:
            raise StoreError(str(self.path), f"{_WHAT} was opened to be read")
        await self._writer.do(lambda db: _write(db, statements))

    async def close(self) -> None:
        for worker in (self._writer, self._reader):
            if worker is not None:
                await worker.close()


async def open_sqlite(path: Path, *, read_only: bool = False) -> SqliteDatabase:
    """The open database; made where it is missing, unless it is only read. Raises StoreError."""
    writer = None if read_only else _Worker("fleet-writer")
    try:
        if writer is not None:
            await writer.open(lambda: _tuned(path))
        reader = _Worker("fleet-reader")
        try:
            await reader.open(lambda: Database(path, _WHAT, _REMEDY, _MIGRATIONS, read_only=True))
        except BaseException:
            await reader.close()
            raise
    except BaseException:
        if writer is not None:
            await writer.close()
        raise
    return SqliteDatabase(path, writer, reader)


def _tuned(path: Path) -> Database:
    opened = Database(path, _WHAT, _REMEDY, _MIGRATIONS, page_size=_PAGE)
    try:
        for pragma in _TUNING:
            opened.db.execute(pragma)
        opened.db.isolation_level = None  # transactions are begun and ended here alone
    except sqlite3.Error as error:
        opened.close()
        raise opened.failure(error) from None
    return opened


class _Worker:
    """A thread with a connection that it alone uses."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(1, name)
        self._opened: Database | None = None

    async def open(self, make: Callable[[], Database]) -> None:
        self._opened = await asyncio.get_running_loop().run_in_executor(self._pool, make)

    async def do[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Work in the thread, to its end also where nobody waits any more. Raises StoreError."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._guarded, work)

    def _guarded[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        assert self._opened is not None
        try:
            return work(self._opened.db)
        except (sqlite3.Error, OSError) as error:
            raise self._opened.failure(error) from None

    async def close(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            with suppress(sqlite3.Error, RuntimeError):
                await asyncio.get_running_loop().run_in_executor(self._pool, opened.close)
        self._pool.shutdown(wait=False)


def _read(db: sqlite3.Connection, query: str, values: Sequence[Value]) -> list[Row]:
    return db.execute(query, values).fetchall()


def _write(db: sqlite3.Connection, statements: Sequence[tuple[str, Sequence[Row]]]) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        for sql, rows in statements:
            for whole, chunk in _chunks(sql, rows):
                db.execute(whole, chunk)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # a full disk has ended it already
            db.execute("ROLLBACK")
        raise


def _chunks(sql: str, rows: Sequence[Row]) -> Iterator[tuple[str, Sequence[Value]]]:
    """The statement for as many rows at once as it takes, and their values."""
    at = 0
    found = _VALUES.search(sql)
    if found is not None and rows:
        width = len(rows[0])
        for size in _CHUNKS:
            if size * width > _MOST_VALUES or len(rows) - at < size:
                continue
            many = (
                f"{sql[: found.start()]}VALUES {', '.join([found[1]] * size)}{sql[found.end() :]}"
            )
            while len(rows) - at >= size:
                yield many, [value for row in rows[at : at + size] for value in row]
                at += size
    for row in rows[at:]:
        yield sql, row
