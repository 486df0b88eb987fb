"""A reading of several paths by a real handshake each: what is kept, under which name, and what hellos come to."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from detector.echo.differences import Difference
from detector.forensics.echoed import EchoedHello
from detector.judging.path_answer import PathAnswer
from detector.knowledge.path_readings import PathReadings
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from detector.model.observation import Target
from detector.model.paths import Network
from detector.net.probe import ProbeOptions
from detector.runs.check import CheckRun
from detector.runs.watch_path import WatchPathRun, how_they_arrived

HERE = Network("aa" * 16, "here", datetime(2026, 11, 30, tzinfo=UTC))
CLOSED = Target("127.0.0.1", 9)


@pytest.fixture
def kept(tmp_path: Path) -> Generator[PathReadings]:
    with closing(PathReadings(tmp_path / "history.sqlite3", lambda: datetime.now(UTC))) as found:
        yield found


async def read(
    pki: LabPki, kept: PathReadings, options: ProbeOptions, *targets: Target
) -> PathAnswer:
    run = WatchPathRun(CheckRun(pki.knowledge(), options), kept, HERE)
    return await run.run(targets, datetime.now(UTC))


def test_hosts_stay_in_their_order_and_both_hellos_are_asked(
    pki: LabPki, kept: PathReadings
) -> None:
    async def twice() -> tuple[PathAnswer, PathAnswer]:
        async with Origin({"localhost": pki.issue("localhost")}) as origin:
            targets = (CLOSED, Target("localhost", origin.port, sni="localhost"))
            options = ProbeOptions(timeout=20)
            return await read(pki, kept, options, *targets), await read(
                pki, kept, options, *targets
            )

    first, second = asyncio.run(twice())
    assert [one.host.partition(":")[0] for one in first.hosts] == ["127.0.0.1", "localhost"]
    assert [one.verdict for one in first.hosts] == ["inconclusive", "direct"]
    assert first.hosts[1].reading.browser is not None
    assert first.hosts[1].reading.server_hello
    assert (first.answer, second.answer) == ("first", "same")


def test_a_name_that_this_machine_does_not_resolve_is_no_reading(
    pki: LabPki, kept: PathReadings
) -> None:
    async def once() -> PathAnswer:
        async with Origin({"localhost": pki.issue("localhost")}) as origin:
            nowhere = Target("nowhere.invalid", sni="nowhere.invalid")
            there = Target("localhost", origin.port, sni="localhost")
            return await read(pki, kept, ProbeOptions(timeout=20), nowhere, there)

    found = asyncio.run(once())
    assert [one.kept for one in found.hosts] == [False, True]
    assert kept.earlier("nowhere.invalid:443") == {}


def test_a_host_that_is_silent_once_is_asked_again_while_another_answers(
    pki: LabPki, kept: PathReadings
) -> None:
    asked = 0

    async def once() -> PathAnswer:
        nonlocal asked
        async with Origin({"localhost": pki.issue("localhost")}) as origin:

            async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                """The first time nothing is answered; then it is the origin."""
                nonlocal asked
                asked += 1
                if asked > 1:
                    theirs, ours = await asyncio.open_connection("127.0.0.1", origin.port)
                    await asyncio.gather(carry(reader, ours), carry(theirs, writer))
                else:
                    await reader.read()
                writer.close()

            server = await asyncio.start_server(take, "127.0.0.1", 0)
            async with server:
                port = server.sockets[0].getsockname()[1]
                targets = [Target("localhost", one, sni="localhost") for one in (port, origin.port)]
                return await read(pki, kept, ProbeOptions(timeout=2.5), *targets)

    found = asyncio.run(once())
    assert [one.verdict for one in found.hosts] == ["direct", "direct"]
    assert asked == 3, "silent, answered, and a browser's hello"


async def carry(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        to.write(data)
    to.close()


def test_whoever_fixes_the_way_reads_another_path(pki: LabPki, kept: PathReadings) -> None:
    fixed = ProbeOptions(timeout=1, connect_to=("127.0.0.1", 9))
    odd = Target("a.example", 25, sni=None, starttls="smtp")
    asyncio.run(read(pki, kept, fixed, Target("a.example", sni="a.example"), odd))
    rows = {target for (target,) in kept._db.execute("SELECT target FROM path")}
    assert rows == {
        "a.example:443 at 127.0.0.1:9", "a.example:25 at 127.0.0.1:9 as nobody by smtp",
    }  # fmt: skip


def hello(client: str, fate: str, *fields: str, by: str | None = None) -> EchoedHello:
    found = tuple(
        Difference("delayed" if one == "pieces" else "hello", one, "", "", "") for one in fields
    )
    return EchoedHello(client=client, fate=fate, differences=found, written_by=by)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hellos", "said"),
    [
        ((), None),
        ((hello("tlsight", "nothing"),), None),
        ((hello("tlsight", "unchanged"), hello("browser", "nothing")), ()),
        ((hello("tlsight", "repacked", "pieces"),), ()),
        ((hello("tlsight", "rewritten", by="Go"), hello("browser", "rewritten", by="Go")), ("rewritten as by Go",)),
        ((hello("tlsight", "unchanged"), hello("browser", "edited", "ECH", "pieces")), ("edited: ECH (browser)",)),
    ],
)  # fmt: skip
def test_hellos_that_share_a_fate_are_told_at_once_and_what_weather_does_is_not(
    hellos: tuple[EchoedHello, ...], said: tuple[str, ...] | None
) -> None:
    assert how_they_arrived(hellos) == said
