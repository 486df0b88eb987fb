"""The fleet page's queries in a real PostgreSQL: every one runs there, and says of a fleet what SQLite says of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from addons.fleet.database import FleetDatabase, open_database
from addons.fleet.queries import FleetQueries
from addons.fleet.sqlite_database import open_sqlite
from tests.fleet.page.story import HOSTS, WIFI, digest, everyday, seen
from tests.fleet.test_queries import ASKED
from tests.live.collector_world import PostgresqlServer

pytestmark = pytest.mark.live
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_every_query_says_there_what_it_says_in_sqlite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = everyday(NOW)
    subject = f"spki:{seen(WIFI, NOW - timedelta(days=9))[1]}"

    async def said(database: FleetDatabase) -> dict[str, object]:
        queries = FleetQueries(database, NOW)
        found: dict[str, object] = {
            what: await ask(queries) for what, ask in ASKED.items() if what != "some agents"
        }
        found["a real one"] = await queries.standing_of(subject)
        found["its places"] = await queries.places(subject, 5)
        found["the lounge"] = await queries.network(digest("lounge"))
        found["who is there"] = await queries.subjects_in(digest("lounge"), 5)
        found["hosts"] = await queries.findings(host=HOSTS[0], state="open")
        found["Kaspersky"] = await queries.named("kaspersky", 5)
        found["intercepted"] = await queries.agents(state="intercepted", order="last")
        found["chosen"] = len(await queries.some_agents(5))
        await queries.label(digest("lounge"), "Lounge")
        found["labelled"] = await queries.networks("LOUNGE")
        return found

    async def run() -> tuple[dict[str, object], dict[str, object]]:
        there = await open_database(server.url)
        await story.tell_to(there)
        here = await open_sqlite(tmp_path / "fleet.sqlite3")
        await story.tell_to(here)
        try:
            return await said(there), await said(here)
        finally:
            await there.close()
            await here.close()

    with PostgresqlServer(tmp_path / "postgresql") as server:
        monkeypatch.setenv("PGPASSWORD", server.password)
        in_postgresql, in_sqlite = asyncio.run(run())
    for what, answer in in_sqlite.items():
        assert in_postgresql[what] == answer, what
    assert in_sqlite["chosen"] == 5
