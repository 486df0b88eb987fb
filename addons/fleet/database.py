"""What the collector and the page ask of where findings are kept, whichever it is: a file, or a PostgreSQL server.

Queries are written once, in SQL that SQLite and PostgreSQL share, with ? for each value, and none within quotes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from stat import S_IMODE
from typing import Protocol

from detector.bounded import read_whole
from detector.errors import ConfigError
from detector.knowledge.folders import state_folder

Value = str | int | float | None
Row = tuple[Value, ...]
_SCHEMES = ("postgresql://", "postgres://")
_LONGEST = 4096


class FleetDatabase(Protocol):
    """An open one. Every verb raises StoreError."""

    async def read(self, query: str, *values: Value) -> list[Row]:
        """The rows of a query."""

    async def write(self, statements: Sequence[tuple[str, Sequence[Row]]]) -> None:
        """Statements, each with all its rows, in one transaction that is on the disk when this returns."""

    async def close(self) -> None:
        """Let go of it; never raises."""


def default_database(environment: Mapping[str, str]) -> str:
    """In the fleet's folder, in systemd's STATE_DIRECTORY, else in the XDG state folder."""
    return str(state_folder(environment) / "fleet" / "fleet.sqlite3")


async def open_database(where: str, *, read_only: bool = False) -> FleetDatabase:
    """The open database.

    Args:
        where: path of an SQLite file; postgresql://USER@HOST/NAME; or @FILE, whose one line is such a URL and may hold
            a password, as that file is its owner's alone.
        read_only: it has to be there, and is not written (SQLite).

    Raises StoreError where it cannot be used, ConfigError where `where` cannot be.

    """
    url = _from_file(Path(where[1:])) if where.startswith("@") else where
    if url.startswith(_SCHEMES):
        from addons.fleet.postgresql_database import has_password, open_postgresql

        if url is where and has_password(url):
            remedy = "use PGPASSFILE or PGPASSWORD, or --database @FILE with the URL in a file of mode 0600"
            raise ConfigError("--database", "everybody can read a password there", remedy=remedy)
        return await open_postgresql(url)
    if "://" in url:
        raise ConfigError("--database", "a file, postgresql://... or @FILE is wanted")
    from addons.fleet.sqlite_database import open_sqlite

    return await open_sqlite(Path(url), read_only=read_only)


def _from_file(path: Path) -> str:
    try:
        if S_IMODE(path.stat().st_mode) & 0o077:
            raise ConfigError(
                str(path), "others may read the password in it", remedy=f"chmod 600 {path}"
            )
        lines = read_whole(path, _LONGEST).decode().split()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), getattr(error, "strerror", None) or str(error)) from None
    if len(lines) != 1 or not lines[0].startswith(_SCHEMES):
        raise ConfigError(str(path), "one line with postgresql://... is wanted")
    return lines[0]
