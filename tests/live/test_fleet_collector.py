"""The collector against a real nats-server: whatever is killed, full, locked or wrong, nothing is lost or kept twice."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from addons.fleet.database import open_database
from detector import clock
from detector.agent.subjects import event_subject
from detector.report.event_json import EventRecord
from tests.fleet.telling import MINUTE, finding, heartbeat, message, name, network, notice
from tests.live.collector_world import (
    Collector,
    NatsServer,
    PostgresqlServer,
    make_stream,
    publish,
    until,
    waiting,
)

pytestmark = pytest.mark.live
OFFICE = network("office")
NOW = clock.now()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with NatsServer(tmp_path / "nats") as running:
        asyncio.run(make_stream(running))
        yield running


def findings(count: int) -> list[EventRecord]:
    return [finding(n, "opened", NOW, where=OFFICE) for n in range(count)]


def counts(path: Path) -> tuple[int, int, int]:
    """Events, different ones among them, findings."""
    with closing(sqlite3.connect(path, timeout=5)) as db:
        (events, different) = db.execute(
            "SELECT COUNT(*), COUNT(DISTINCT id) FROM event"
        ).fetchone()
        (states,) = db.execute("SELECT COUNT(*) FROM finding").fetchone()
    return events, different, states


async def all_kept(server: NatsServer, path: Path, count: int) -> None:
    async def holds() -> bool:
        return counts(path) == (count, count, count) and await waiting(server) == 0

    await until(holds)


def test_killed_collectors_lose_nothing_and_keep_nothing_twice(
    server: NatsServer, tmp_path: Path
) -> None:
    path = tmp_path / "fleet.sqlite3"

    async def run() -> None:
        publishing = asyncio.create_task(publish(server, findings(700)))
        for wanted in (100, 400):
            with Collector(server, str(path)) as collector:

                async def so_many(wanted: int = wanted) -> bool:
                    return counts(path)[0] >= wanted

                await until(so_many)
                collector.kill()
        assert await publishing == 700
        with Collector(server, str(path)):
            await all_kept(server, path, 700)

    asyncio.run(run())


def test_a_killed_server_loses_nothing_that_it_acknowledged(
    server: NatsServer, tmp_path: Path
) -> None:
    path = tmp_path / "fleet.sqlite3"

    async def run() -> None:
        with Collector(server, str(path)):
            publishing = asyncio.create_task(publish(server, findings(400)))

            async def begun() -> bool:
                return counts(path)[0] >= 100

            await until(begun)
            server.kill()
            with server:  # the same store, on the same port
                assert await publishing == 400
                await all_kept(server, path, 400)

    asyncio.run(run())


def test_a_locked_database_is_waited_for_and_told_of_once(
    server: NatsServer, tmp_path: Path
) -> None:
    path = tmp_path / "fleet.sqlite3"

    async def run() -> str:
        with Collector(server, str(path)) as collector:
            await publish(server, findings(10))
            await all_kept(server, path, 10)
            with closing(sqlite3.connect(path, isolation_level=None)) as db:
                db.execute("BEGIN IMMEDIATE")
                await publish(server, findings(60))
                await collector.says("another program is writing it")
                db.execute("ROLLBACK")
            await all_kept(server, path, 60)
            collector.kill()
            return collector.said()

    said = asyncio.run(run())
    assert said.count("another program is writing it") == 1
    assert said.count("takes what comes again") == 1


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_waited_for(server: NatsServer, tmp_path: Path) -> None:
    async def run(folder: Path) -> str:
        path = folder / "fleet.sqlite3"
        ballast = folder / "ballast"
        with Collector(server, str(path)) as collector:
            await publish(server, findings(10))
            await all_kept(server, path, 10)
            with ballast.open("wb") as file, pytest.raises(OSError):  # noqa: PT012
                while True:
                    file.write(bytes(1 << 16))
                    file.flush()
            await publish(server, findings(400))
            await collector.says("free some space")
            await asyncio.sleep(0.6)  # it tries again, and says nothing
            assert counts(path)[0] < 400
            ballast.unlink()
            await all_kept(server, path, 400)
            collector.kill()
            return collector.said()

    with small_disk(tmp_path / "small", 12 << 20) as folder:
        said = asyncio.run(run(folder))
    assert said.count("free some space") == 1
    assert "takes what comes again" in said


def test_what_is_no_event_is_counted_told_and_in_nobodys_way(
    server: NatsServer, tmp_path: Path
) -> None:
    path = tmp_path / "fleet.sqlite3"
    subject, good = message(finding(1, where=OFFICE))
    foreign = event_subject(name("somebody else"))
    nameless = msgspec.structs.replace(finding(2), finding=None)
    poison = [
        (subject, b""), (subject, b"\xff\xfe"), (subject, b"[" * 100_000), (subject, good[:-5]), (foreign, good),
        message(nameless), ("tlsight.event.no-device", good), (subject, good.replace(b'"id":"', b'"id":"\\u0000', 1)),
    ]  # fmt: skip

    async def run() -> str:
        with Collector(server, str(path), batch=3) as collector:
            await publish(server, [*poison, *findings(5), *poison])
            await all_kept(server, path, 5)
            collector.kill()
            return collector.said()

    said = asyncio.run(run())
    assert said.count("it names another device than its sender") == 1
    with closing(sqlite3.connect(path)) as db:
        rows = dict(db.execute("SELECT why, SUM(times) FROM refused GROUP BY why"))
    assert sum(rows.values()) == 2 * len(poison)
    assert rows["it names another device than its sender"] == 2
    assert rows["the subject names no device"] == 2


def test_a_clock_that_is_wrong_moves_no_agent_and_no_finding_into_the_future(
    server: NatsServer, tmp_path: Path
) -> None:
    path = tmp_path / "fleet.sqlite3"
    ahead = NOW + timedelta(days=400)
    told = [
        heartbeat(1, ahead, where=OFFICE),
        finding(1, "opened", ahead, where=OFFICE),
        heartbeat(1, NOW + MINUTE, where=network("home"), up=1.0),
        notice(1, "clock-jumped", NOW + MINUTE),
    ]

    async def run() -> None:
        with Collector(server, str(path)):
            await publish(server, told)

            async def kept() -> bool:
                return counts(path)[0] == 2 and await waiting(server) == 0

            await until(kept)
        database = await open_database(str(path), read_only=True)
        # By the bus's clock an agent is due again within the hour; NOW was when this file was read.
        late = (clock.now() + timedelta(minutes=75)).isoformat()[:19] + "Z"
        ((last, due, told_at),) = await database.read("SELECT last, due, told FROM agent")
        assert str(last) < late
        assert str(due) < late
        assert str(told_at) < late
        ((opened, at),) = await database.read(
            "SELECT f.opened, e.at FROM finding f, event e WHERE e.id = f.event"
        )
        assert str(opened) < late
        assert str(at) < late
        await database.close()

    asyncio.run(run())


def test_events_that_are_sent_again_change_nothing_in_either_database(
    server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [
        one
        for n in range(100)
        for one in (
            finding(n, "opened", NOW, where=OFFICE),
            finding(n, "closed", NOW + MINUTE, where=OFFICE, opened=NOW, bare=True),
        )
    ]

    async def run(where: str) -> None:
        with Collector(server, where):
            await publish(server, told)
            await publish(server, told[::2])
            await publish(server, told)

            async def empty() -> bool:
                return await waiting(server) == 0

            await until(empty)
        database = await open_database(where)
        assert await database.read("SELECT COUNT(*) FROM event") == [(200,)]
        assert await database.read("SELECT COUNT(*), COUNT(closed) FROM finding") == [(100, 100)]
        await database.close()

    with PostgresqlServer(tmp_path / "postgresql") as postgresql:
        monkeypatch.setenv("PGPASSWORD", postgresql.password)
        asyncio.run(run(postgresql.url))
