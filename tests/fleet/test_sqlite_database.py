"""The fleet's database in a file."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from addons.fleet.database import open_database
from detector.errors import ConfigError, StoreError
from tests.fleet.kept_cases import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_holds(case: Case, tmp_path: Path) -> None:
    async def run() -> None:
        database = await open_database(str(tmp_path / "fleet.sqlite3"))
        try:
            await case(database)
        finally:
            await database.close()

    asyncio.run(run())


def opened(where: str, *, read_only: bool = False) -> None:
    async def run() -> None:
        await (await open_database(where, read_only=read_only)).close()

    asyncio.run(run())


def test_every_commit_is_flushed_and_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    from addons.fleet.sqlite_database import open_sqlite

    async def run() -> int:
        database = await open_sqlite(tmp_path / "fleet.sqlite3")
        assert database._writer is not None
        flushed = await database._writer.do(
            lambda db: db.execute("PRAGMA synchronous").fetchone()[0]
        )
        await database.close()
        return int(flushed)

    assert asyncio.run(run()) == 2
    assert stat.S_IMODE((tmp_path / "fleet.sqlite3").stat().st_mode) == 0o600


def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "fleet.sqlite3"
    opened(str(path))
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    for read_only in (False, True):
        with pytest.raises(StoreError, match=r"version 99.*update tlsight"):
            opened(str(path), read_only=read_only)


def test_what_is_no_database_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "fleet.sqlite3"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match="move the file away"):
        opened(str(path))


def test_only_reading_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        opened(str(tmp_path / "fleet.sqlite3"), read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_many_rows_at_once_are_the_same_rows(tmp_path: Path) -> None:
    rows = [(f"name {n}", str(n)) for n in range(1287)]  # some of every size, and some left over

    async def run() -> list[tuple[object, ...]]:
        database = await open_database(str(tmp_path / "fleet.sqlite3"))
        await database.write([("INSERT INTO fact (name, value) VALUES (?, ?)", rows)])
        found = await database.read("SELECT name, value FROM fact")
        await database.close()
        return list(found)

    assert sorted(asyncio.run(run())) == sorted(rows)


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("postgresql://me:secret@db.example/fleet", "everybody can read a password there"),
        ("postgres://me@db.example/fleet?password=secret", "everybody can read a password there"),
        ("mysql://db.example/fleet", "is wanted"),
    ],
)
def test_a_place_that_will_not_do_is_refused_without_its_password(where: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        opened(where)
    assert "secret" not in str(caught.value)


def test_a_file_with_a_password_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://me:secret@127.0.0.1:1/fleet\n")
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        opened(f"@{file}")
    file.chmod(0o600)
    with pytest.raises(StoreError) as caught:  # nobody is there
        opened(f"@{file}")
    assert "secret" not in str(caught.value)
