"""The fleet's database in PostgreSQL, for firms that have one: its copies, its rights, its readers.

The password comes from where libpq takes it: PGPASSFILE, ~/.pgpass, PGPASSWORD; or it stands in the URL of a file of the
user's own. A server that is reached over a network is verified as any other of our own connections, unless the
URL's sslmode says otherwise.

Writers hold one lock of the database for as long as a transaction lasts (pg_advisory_xact_lock): two that update the same
agents in different orders would else end each other by deadlock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from addons.fleet.database import Row, Value
from addons.fleet.schema import FIRST, for_postgresql
from detector.errors import ConfigError, StoreError
from detector.extras import demand

if TYPE_CHECKING:
    import asyncpg

_MIGRATIONS = (FIRST,)
_LOCK = 0x746C7366  # "tlsf"
_PATIENCE = 60.0
_CONNECT = 10.0
_MAKE_VERSION = "CREATE TABLE IF NOT EXISTS tlsight_fleet_version (version BIGINT NOT NULL)"
_READ_VERSION = "SELECT max(version) FROM tlsight_fleet_version"
_WRITE_VERSION = "INSERT INTO tlsight_fleet_version VALUES ($1)"


class PostgresqlDatabase:
    """An open FleetDatabase; see addons.fleet.database."""

    def __init__(self, where: str, pool: asyncpg.Pool[Any]) -> None:
        self.where = where
        self._pool = pool

    async def read(self, query: str, *values: Value) -> list[Row]:
        try:
            async with self._pool.acquire(timeout=_CONNECT) as connection:
                rows = await connection.fetch(numbered(query), *values)
        except _troubles() as error:
            raise _failure(self.where, error) from None
        return [tuple(row) for row in rows]

    async def write(self, statements: Sequence[tuple[str, Sequence[Row]]]) -> None:
        try:
            async with self._pool.acquire(timeout=_CONNECT) as connection, connection.transaction():
                await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
                await connection.execute("SET LOCAL synchronous_commit = on")
                for sql, rows in statements:
                    if rows:
                        await connection.executemany(numbered(sql), rows)
        except _troubles() as error:
            raise _failure(self.where, error) from None

    async def close(self) -> None:
        try:
            await asyncio.wait_for(self._pool.close(), 5)
        except Exception:
            self._pool.terminate()


async def open_postgresql(url: str) -> PostgresqlDatabase:
    """The open database, its tables made where they are missing. Raises StoreError, ConfigError."""
    demand("--database", "asyncpg", "fleet")
    import asyncpg

    where = without_password(url)
    more: dict[str, Any] = {}
    if _over_a_network(url):
        from detector.net.verifying import verifying_context

        more["ssl"] = verifying_context(None)
    try:
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=4,
            timeout=_CONNECT,
            command_timeout=_PATIENCE,
            init=_numbers_as_ours,
            **more,
        )
    except _troubles() as error:
        raise _failure(where, error) from None
    except ValueError as error:  # asyncpg.exceptions.ClientConfigurationError among them
        raise ConfigError(where, str(error)) from None
    opened = PostgresqlDatabase(where, pool)
    try:
        await _migrate(opened, pool)
    except BaseException:
        await opened.close()
        raise
    return opened


async def _numbers_as_ours(connection: asyncpg.Connection[Any]) -> None:
    """A sum of integers is one, as SQLite has it; PostgreSQL says numeric."""
    await connection.set_type_codec(
        "numeric",
        schema="pg_catalog",
        encoder=str,
        decoder=lambda text: float(text) if "." in text or "N" in text else int(text),
        format="text",
    )


@lru_cache(maxsize=256)
def numbered(query: str) -> str:
    """The same query with $1, $2, ... for its question marks."""
    first, *others = query.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(others, 1))


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    read = urlsplit(url)
    who, _, host = read.netloc.rpartition("@")
    user = who.partition(":")[0]
    return f"{read.scheme}://{user}{'@' if user else ''}{host}{read.path}"


def has_password(url: str) -> bool:
    """Whether it names one, before the host or as a parameter."""
    read = urlsplit(url)
    return ":" in read.netloc.rpartition("@")[0] or "password" in parse_qs(read.query)


def _over_a_network(url: str) -> bool:
    read = urlsplit(url)
    asked = parse_qs(read.query)
    host = asked.get("host", [read.hostname or ""])[0]
    if "sslmode" in asked or "ssl" in asked or not host or host.startswith("/"):
        return False
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


async def _migrate(opened: PostgresqlDatabase, pool: asyncpg.Pool[Any]) -> None:
    newest = len(_MIGRATIONS)
    try:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
            await connection.execute(_MAKE_VERSION)
            version = await connection.fetchval(_READ_VERSION) or 0
            if version > newest:
                why = f"fleet's database is of version {version}, this tlsight knows {newest}"
                raise StoreError(opened.where, why, remedy="update tlsight")
            for script in _MIGRATIONS[version:]:
                await connection.execute(for_postgresql(script))
            if version < newest:
                await connection.execute(_WRITE_VERSION, newest)
    except _troubles() as error:
        raise _failure(opened.where, error) from None


def _troubles() -> tuple[type[Exception], ...]:
    import asyncpg

    return (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, EOFError)


def _failure(where: str, error: Exception) -> StoreError:
    why = " ".join(str(error).split()) or type(error).__name__
    remedy = "see that the server runs, and that the user may make tables there"
    return StoreError(where, f"fleet's database cannot be used: {why}", remedy=remedy)
