"""A grading asks every server and keeps what came, by whatever way, within a minute."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec

from detector.judging.grade import grade
from detector.knowledge import shipped
from detector.knowledge.grade_tests import grade_tests
from detector.lab.graded.servers import Place, grade_servers
from detector.lab.pki import LabPki
from detector.model.grades import GOOD, GradeServers, Seen
from detector.net.probe import ProbeOptions
from detector.net.routes import Routing, parse_proxy
from detector.net.visit import Visited, visit
from detector.runs.grade import A_MINUTE, GradeRun
from tests.net.peers import peer

TESTS = grade_tests()


@asynccontextmanager
async def served() -> AsyncGenerator[GradeServers]:
    async with grade_servers(LabPki(), Place("grade.test"), print) as servers:
        yield servers


def test_straight_to_the_servers_nobody_is_graded() -> None:
    async def go() -> Seen:
        async with served() as servers:
            return await GradeRun(servers, ProbeOptions()).run()

    seen = asyncio.run(go())
    assert {one.server for one in seen.visits} == {GOOD, *(one.id for one in TESTS.visits)}
    found = grade(seen, TESTS, shipped.published_keys())
    assert found.letter is None
    assert "nobody stands in between" in found.why_none


def test_what_the_servers_met_before_and_what_went_past_is_not_the_interceptors() -> None:
    """A proxy that lets nobody through: the servers are asked past it, and that hello is not its own."""

    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async def go() -> tuple[Seen, Seen]:
        async with served() as servers, peer(refuses) as port:
            before = await GradeRun(servers, ProbeOptions(), clients=False).run()
            routing = Routing(parse_proxy(f"http://alice:hunter2@127.0.0.1:{port}"))
            return before, await GradeRun(servers, ProbeOptions(routing=routing)).run()

    before, seen = asyncio.run(go())
    assert len(before.met) > 20
    assert seen.met == ()
    assert {one.ended for one in seen.visits} == {"refused"}
    assert "127.0.0.1" in seen.route
    assert b"hunter2" not in msgspec.json.encode(seen)


def test_a_grading_is_told_of_another_that_asks_the_same_servers_until_that_one_is_over() -> None:
    """The other is marked by its first question; it is over by its last, or 90 s by the servers' clock after the first."""
    at = [datetime(2026, 7, 1, tzinfo=UTC)]

    async def go() -> tuple[list[int], list[int]]:
        async with grade_servers(LabPki(), Place("grade.test"), print, lambda: at[0]) as servers:
            here = ProbeOptions(
                connect_to=(servers.address, servers.port), listen=8.0, alpn=("http/1.1",)
            )
            whom = Visited(GOOD, servers.host(GOOD), servers.port, servers.key, True, "another")

            async def asks(whom: Visited) -> int:
                _, echo = await visit(whom, here)
                assert echo is not None
                return echo.others

            async def graded() -> int:
                return (await GradeRun(servers, ProbeOptions(), clients=False).run()).others

            alone = [await graded(), await asks(whom)]
            beside = [await graded(), await asks(replace(whom, last=True))]
            alone.append(await graded())
            beside.append(await asks(replace(whom, run="left")))
            at[0] += timedelta(seconds=91)
            alone.append(await graded())
            return alone, beside

    alone, beside = asyncio.run(go())
    assert alone == [0, 0, 0, 0]
    assert beside == [1, 1, 0]


def test_a_proxy_that_stays_silent_costs_no_more_than_the_time_there_is() -> None:
    """A minute, where nobody says otherwise."""
    assert sum(A_MINUTE) <= 60

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async def go() -> tuple[Seen, float]:
        async with served() as servers, peer(silent) as port:
            routing = Routing(parse_proxy(f"http://127.0.0.1:{port}"))
            run = GradeRun(
                servers, ProbeOptions(timeout=1.0, routing=routing), within=(1.5, 0.5, 0.5)
            )
            loop = asyncio.get_running_loop()
            began = loop.time()
            return await run.run(), loop.time() - began

    seen, seconds = asyncio.run(go())
    assert seconds < 25
    assert len(seen.visits) < len(seen.leaves)
    assert grade(seen, TESTS, shipped.published_keys()).letter is None
    again = msgspec.json.decode(msgspec.json.encode(seen), type=Seen)
    assert again == seen
