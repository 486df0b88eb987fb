"""The fleet's queries: none reads all findings or events to show a page of them, and no text of a visitor is SQL."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from addons.fleet.conditions import stamp
from addons.fleet.database import FleetDatabase, Row, Value
from addons.fleet.queries import FleetQueries
from addons.fleet.sqlite_database import open_sqlite

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SINCE = stamp(NOW - timedelta(days=1))
ASKED: dict[str, Callable[[FleetQueries], Awaitable[object]]] = {
    "counts": lambda q: q.counts(),
    "changes": lambda q: q.changes(SINCE),
    "standing": lambda q: q.standing(),
    "standing of one": lambda q: q.standing_of("spki:a"),
    "standing of a product": lambda q: q.standing_as("FortiGate", ""),
    "who": lambda q: q.who("spki:a"),
    "places": lambda q: q.places("spki:a", 9),
    "hosts": lambda q: q.hosts_of("spki:a", 9),
    "products": lambda q: q.products(),
    "named": lambda q: q.named("x", 9),
    "networks": lambda q: q.networks("x"),
    "a network": lambda q: q.network("n"),
    "subjects in a network": lambda q: q.subjects_in("n", 9),
    "agents": lambda q: q.agents(text="x", state="intercepted", version="1", network="n"),
    "some agents": lambda q: q.some_agents(9, "n"),
    "an agent": lambda q: q.agent("d"),
    "unsanctioned": lambda q: q.unsanctioned_on(["d", "e"]),
    "findings": lambda q: q.findings(),
    "findings by host": lambda q: q.findings(host="x", state="open", kind="trust", sanctioned=False),
    "findings closed": lambda q: q.findings(state="closed"),
    "findings since": lambda q: q.findings(since=SINCE),
    "findings of a device": lambda q: q.findings(device="d", state="open"),
    "findings of a subject": lambda q: q.findings(subject="spki:a", state="closed"),
    "findings of a network": lambda q: q.findings(network="n", state="open"),
    "a finding": lambda q: q.finding("d", "f"),
    "events": lambda q: q.events("d"),
    "events of a finding": lambda q: q.events("d", "f"),
    "an event": lambda q: q.event("e"),
    "correlations": lambda q: q.correlations(subject="s", network="n"),
    "questions": lambda q: q.questions(),
    "a question": lambda q: q.question("q"),
    "verdicts": lambda q: q.verdicts("q"),
    "answers": lambda q: q.answers("q"),
    "stamp": lambda q: q.stamp(),
}  # fmt: skip


class Planned:
    """A database that also says how it would go about a query."""

    def __init__(self, database: FleetDatabase) -> None:
        self._database = database
        self.steps: list[str] = []

    async def read(self, query: str, *values: Value) -> list[Row]:
        plan = await self._database.read(f"EXPLAIN QUERY PLAN {query}", *values)
        self.steps += [str(row[3]) for row in plan]
        return await self._database.read(query, *values)


async def steps(path: Path, ask: Callable[[FleetQueries], Awaitable[object]]) -> list[str]:
    database = await open_sqlite(path)
    planned = Planned(database)
    try:
        await ask(FleetQueries(planned, NOW))  # type: ignore[arg-type]
    finally:
        await database.close()
    return planned.steps


@pytest.mark.parametrize("what", ASKED)
def test_no_query_reads_whole_rows_of_all_findings_or_events(what: str, tmp_path: Path) -> None:
    found = asyncio.run(steps(tmp_path / "f.sqlite3", ASKED[what]))
    assert found
    whole = [
        step for step in found
        if re.match(r"SCAN (finding|f|event|answer|w)\b", step) and "COVERING INDEX" not in step
        and not re.match(r"SCAN f$", step)  # a subquery of that name
    ]  # fmt: skip
    assert whole == []


def test_what_is_open_is_counted_within_an_index(tmp_path: Path) -> None:
    for what in ("standing", "standing of one", "places", "hosts", "products"):
        found = asyncio.run(steps(tmp_path / "f.sqlite3", ASKED[what]))
        reads = [step for step in found if re.match(r"(SCAN|SEARCH) finding", step)]
        assert reads
        assert all("COVERING INDEX" in step for step in reads), (what, reads)


def test_a_host_is_looked_for_within_the_index_by_time(tmp_path: Path) -> None:
    found = asyncio.run(steps(tmp_path / "f.sqlite3", ASKED["findings by host"]))
    assert sum("COVERING INDEX finding_by_changed" in step for step in found) >= 1


def test_texts_with_signs_of_like_are_texts(tmp_path: Path) -> None:
    async def asked() -> list[str]:
        database = await open_sqlite(tmp_path / "f.sqlite3")
        row = ("d1", "100%_lap!", "linux", "1", "t", "n", SINCE, SINCE, SINCE, SINCE, "", SINCE)
        other = ("d2", "100 xlap", *row[2:])
        columns = (
            "device, name, system, tlsight, tables, network, first, last, due, told, lists, settled"
        )
        await database.write(
            [(f"INSERT INTO agent ({columns}) VALUES ({', '.join('?' * 12)})", [row, other])]
        )
        queries = FleetQueries(database, NOW)
        found = [
            " ".join(one.device for one in (await queries.agents(text=text)).rows)
            for text in ("100", "0%", "%_LAP!", "_", "' OR 1=1 --", "!")
        ]
        await database.close()
        return found

    assert asyncio.run(asked()) == ["d2 d1", "d1", "d1", "d1", "", "d1"]
