"""What holds for the fleet's database, whichever it is; run over SQLite here and over PostgreSQL in tests/live."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

import pytest

from addons.fleet import listing
from addons.fleet.correlated import correlate_now
from addons.fleet.database import FleetDatabase
from addons.fleet.proving import prove
from addons.fleet.retention import prune
from detector.errors import StoreError
from tests.fleet.keeping import keep
from tests.fleet.telling import DAY, HOUR, MINUTE, START, finding, heartbeat, name, network, notice

Case = Callable[[FleetDatabase], Awaitable[None]]
OFFICE = network("office")


async def one_event_is_kept_once_however_often_it_comes(database: FleetDatabase) -> None:
    told = [finding(1, where=OFFICE), notice(1, "started")]
    for _ in range(3):
        await keep(database, told + told)
    assert await database.read("SELECT COUNT(*) FROM event") == [(2,)]
    assert await database.read("SELECT COUNT(*) FROM finding") == [(1,)]


async def a_batch_is_written_whole_or_not_at_all(database: FleetDatabase) -> None:
    fact = "INSERT INTO fact (name, value) VALUES (?, ?)"
    with pytest.raises(StoreError):
        await database.write([(fact, [("a", "1")]), (fact, [("b", "2"), ("a", "3")])])
    assert await database.read("SELECT name FROM fact") == []
    await database.write([(fact, [("a", "1")])])
    assert await database.read("SELECT value FROM fact WHERE name = ?", "a") == [("1",)]


async def events_in_any_order_and_twice_leave_the_state_of_the_newest(
    database: FleetDatabase,
) -> None:
    chance = random.Random(7)
    for device in range(12):
        told = [
            finding(device, "opened", START, where=OFFICE),
            finding(device, "changed", START + MINUTE, where=OFFICE, opened=START, product="Example Gate"),
            finding(device, "closed", START + 2 * MINUTE, where=OFFICE, opened=START, bare=True),
        ]  # fmt: skip
        told += told
        chance.shuffle(told)
        await keep(database, told)
    rows = await database.read("SELECT closed, product, opened, met, verdict FROM finding")
    stamps = "2026-11-02T09:02:00Z", "2026-11-02T09:00:00Z"
    assert rows == [(stamps[0], "Example Gate", stamps[1], stamps[1], "intercepted")] * 12


async def an_old_heartbeat_takes_nothing_back_and_proves_life(database: FleetDatabase) -> None:
    await keep(database, [heartbeat(1, START + HOUR, where=OFFICE, up=3600.0)])
    await keep(database, [heartbeat(1, START, where=network("home"), up=1.0)], START + 2 * HOUR)
    rows = await database.read("SELECT network, last, heartbeat FROM agent")
    assert rows[0][:2] == (OFFICE.id, "2026-11-02T11:00:00Z")
    assert '"up":3600.0' in str(rows[0][2])


async def an_agent_is_silent_once_its_next_word_is_overdue(database: FleetDatabase) -> None:
    await keep(database, [heartbeat(1, every=900.0), heartbeat(2, every=7200.0)])
    assert await listing.silent(database, START + 15 * MINUTE) == []
    (silent,) = await listing.silent(database, START + 30 * MINUTE)
    assert silent.device == name("device 1")
    await keep(database, [heartbeat(1, START + 31 * MINUTE)])
    assert await listing.silent(database, START + 31 * MINUTE) == []


async def one_agent_cannot_touch_the_finding_of_another(database: FleetDatabase) -> None:
    mine = finding(1, where=OFFICE)
    assert mine.finding is not None
    await keep(database, [mine])
    forged = finding(2, "closed", START + HOUR, where=OFFICE)
    import msgspec

    await keep(
        database,
        [msgspec.structs.replace(forged, finding=msgspec.structs.replace(mine.finding))],
    )
    rows = await database.read("SELECT closed FROM finding WHERE device = ?", name("device 1"))
    assert rows == [(None,)]


async def text_of_strangers_is_kept_whatever_is_in_it(database: FleetDatabase) -> None:
    issuer = "CN=\x00\x1b[31m’ '; DROP TABLE agent; -- \U0001f608" + "x" * 5000
    await keep(database, [finding(1, where=OFFICE, issuer=issuer)])
    ((kept,),) = await database.read("SELECT issuer FROM finding")
    assert isinstance(kept, str)
    assert kept.startswith("CN=�\x1b[31m")
    assert len(kept) == 512


async def a_finding_that_stands_is_seen_by_every_heartbeat(database: FleetDatabase) -> None:
    told = finding(1, where=OFFICE)
    assert told.finding is not None
    await keep(
        database, [told, heartbeat(1, START + 3 * DAY, here=(told.finding.id, name("none")))]
    )
    assert await database.read("SELECT seen FROM finding") == [("2026-11-05T09:00:00Z",)]


async def only_questions_that_were_asked_have_answers(database: FleetDatabase) -> None:
    from tests.fleet.telling import check, event

    question = "INSERT INTO question VALUES (?, ?, ?, ?, ?, ?, ?)"
    await database.write([(question, [("q1", "example.com", "", "", "me", 2, "")])])
    told = [event(n, "answer", question=q, check=check()) for n, q in ((1, "q1"), (2, "made-up"))]
    await keep(database, told)
    assert await database.read("SELECT question, verdict FROM answer") == [("q1", "intercepted")]


async def what_is_old_goes_and_what_an_open_finding_rests_on_stays(database: FleetDatabase) -> None:
    await keep(
        database,
        [
            finding(1, where=OFFICE),
            notice(1, "started"),
            finding(2, where=OFFICE),
            finding(2, "closed", START + MINUTE, where=OFFICE, bare=True),
            notice(3, "started", START + 99 * DAY),
        ],
    )
    await prune(database, START + 100 * DAY, 90, 1000)
    rows = await database.read("SELECT device, kind FROM event ORDER BY at")
    assert rows == [(name("device 1"), "opened"), (name("device 3"), "notice")]
    assert len(await listing.findings(database, closed=True)) == 1


async def more_events_than_are_to_be_kept_go_from_the_oldest(database: FleetDatabase) -> None:
    await keep(database, [notice(1, "started", START + n * MINUTE) for n in range(50)])
    await prune(database, START + HOUR, 90, 20)
    rows = await database.read("SELECT MIN(at), COUNT(*) FROM event")
    assert rows == [("2026-11-02T09:29:00Z", 21)]


async def a_correlation_is_one_row_from_its_beginning_to_its_end(database: FleetDatabase) -> None:
    await keep(database, [heartbeat(n, where=OFFICE) for n in range(4)])
    await keep(database, [finding(n, where=OFFICE) for n in range(4)])
    for minutes in (20, 21, 22):
        await correlate_now(database, START + minutes * MINUTE)
    (one,) = await listing.correlations(database)
    assert one.kind == "issuer-on-network"
    assert (one.agents, one.opened, one.seen) == (4, "2026-11-02T09:20:00Z", "2026-11-02T09:22:00Z")
    assert len(one.events) == 4
    await keep(
        database,
        [
            finding(n, "closed", START + HOUR, where=OFFICE, opened=START, bare=True)
            for n in range(4)
        ],
    )
    await correlate_now(database, START + 2 * HOUR)
    assert await listing.correlations(database) == []
    (over,) = await listing.correlations(database, closed=True)
    assert over.closed == "2026-11-02T11:00:00Z"


async def findings_are_listed_and_counted_by_network(database: FleetDatabase) -> None:
    await keep(database, [heartbeat(n, where=OFFICE) for n in range(3)])
    await keep(database, [finding(n, where=OFFICE, sanctioned=n == 0) for n in range(3)])
    await prove(database)
    assert await listing.label(database, OFFICE.id, "Head office")
    assert not await listing.label(database, name("nowhere"), "x")
    found = await listing.findings(database)
    assert {(one.label, one.name) for one in found} == {
        ("Head office", f"laptop-{n}") for n in range(3)
    }
    for by in ("network", "product", "issuer"):
        (group,) = await listing.grouped(database, by)  # type: ignore[arg-type]
        assert (group.agents, group.findings, group.sanctioned) == (3, 3, 1)
    (line,) = await listing.networks(database)
    assert (line.label, line.agents, line.findings) == ("Head office", 3, 3)


CASES: list[Case] = [
    one for one in list(globals().values()) if getattr(one, "__module__", "") == __name__ and callable(one)
]  # fmt: skip
