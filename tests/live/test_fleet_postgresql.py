"""The fleet's database in a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from addons.fleet.database import open_database
from detector.errors import StoreError
from tests.fleet.kept_cases import CASES
from tests.live.collector_world import PostgresqlServer

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresqlServer]:
    with PostgresqlServer(tmp_path_factory.mktemp("postgresql")) as running:
        yield running


def test_holds_what_holds_of_a_file(
    server: PostgresqlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"127.0.0.1:*:*:fleet:{server.password}\n")
    passwords.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passwords))

    async def run() -> None:
        for case in CASES:
            database = await open_database(server.url)
            try:
                await case(database)
            except BaseException as error:
                error.add_note(case.__name__)
                raise
            finally:
                tables = (
                    "agent, finding, event, network, correlation, question, answer, refused, fact"
                )
                await database.write([(f"TRUNCATE {tables}", [()])])
                await database.close()

    asyncio.run(run())


def test_a_wrong_password_and_a_newer_database_are_one_clear_line(
    server: PostgresqlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(where: str) -> str:
        with pytest.raises(StoreError) as caught:
            await open_database(where)
        return str(caught.value)

    async def make_newer(where: str) -> None:
        database = await open_database(where)
        await database.write([("INSERT INTO tlsight_fleet_version VALUES (99)", [()])])
        await database.close()

    monkeypatch.setenv("PGPASSWORD", "wrong")
    assert "password authentication failed" in asyncio.run(refused(server.url))
    url = tmp_path / "url"
    url.write_text(server.url.replace("fleet@", f"fleet:{server.password.replace(' ', '%20')}@"))
    url.chmod(0o600)
    asyncio.run(make_newer(f"@{url}"))
    told = asyncio.run(refused(f"@{url}"))
    assert "version 99" in told
    assert "update tlsight" in told
    assert server.password not in told
