"""The time for one target, against peers that would have a client wait for ever."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Awaitable, Callable

import pytest
from rich.console import Console

from detector.judging.diagnose import diagnose
from detector.knowledge.fixes import config_lines
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from detector.model.inquiry import Diagnosis
from detector.model.targets import parse_target
from detector.net.budget import TIMES, Budget
from detector.net.inquire import inquire
from detector.net.probe import ProbeOptions
from detector.report.diagnose_json import diagnose_record
from detector.report.diagnose_text import render
from detector.runs.diagnose import Investigation
from detector.wire.records import ALERT, HANDSHAKE, encode_record
from tests.net.peers import Handler, peer

WARNING = encode_record(ALERT, b"\x01\x70")  # unrecognized_name, as a warning
TIMEOUT = 0.5


def every(seconds: float, piece: Callable[[int], bytes]) -> Handler:
    """After the ClientHello, `piece(0)`, `piece(1)` and so on, for ever."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        number = 0
        while not writer.is_closing():
            writer.write(piece(number))
            await writer.drain()
            number += 1
            await asyncio.sleep(seconds)

    return handler


def diagnosed(
    handler: Handler, pki: LabPki, *, suites: bool = False, timeout: float = TIMEOUT
) -> tuple[Diagnosis, float]:
    async def run() -> Diagnosis:
        async with peer(handler) as port:
            how = Investigation(ProbeOptions(timeout=timeout), suites=suites)
            return await how.of(parse_target(f"127.0.0.1:{port}"), pki.knowledge())

    start = time.monotonic()
    found = asyncio.run(run())
    return found, time.monotonic() - start


HELLO = encode_record(HANDSHAKE, b"\x02\x00\x10\x00" + bytes(4096))


@pytest.mark.parametrize(
    "drip",
    [
        every(0.1, lambda number: HELLO[number : number + 1]),
        every(0.1, lambda _: WARNING),
        every(0.1, lambda _: encode_record(HANDSHAKE, b"\x00\x00\x00\x00")),
        every(0.0, lambda _: b"\x14\x03\x03\x00\x01\x01"),
    ],
    ids=["a byte", "a warning", "a HelloRequest", "ChangeCipherSpec"],
)
@pytest.mark.parametrize("suites", [False, True])
def test_a_peer_that_drips_is_left_when_its_time_is_over(
    pki: LabPki, drip: Handler, suites: bool
) -> None:
    found, took = diagnosed(drip, pki, suites=suites)
    assert took < 10 * TIMES * TIMEOUT * (2 if suites else 1)
    assert not found.healthy
    assert {cause.id for cause in found.causes} & {"silent-drop", "malformed-handshake"}


@pytest.mark.parametrize("count", [20, 1000, 40_000])
def test_a_flood_of_warnings_costs_no_more_than_its_bytes(pki: LabPki, count: int) -> None:
    flood = WARNING * count

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(flood)
        await writer.drain()
        await reader.read()

    found, took = diagnosed(handler, pki, timeout=10)
    assert took < 60
    assert {cause.id for cause in found.causes} == {"malformed-handshake"}
    assert {trial.outcome for trial in found.inquiry.trials.values()} == {"malformed"}
    assert len(found.inquiry.observation.alerts) <= 17


def test_what_was_found_before_the_time_was_over_still_stands(pki: LabPki) -> None:
    """The first hellos are answered by an honest server; the later ones by nobody."""
    seen = 0

    async def run() -> Diagnosis:
        async with Origin({"localhost": pki.issue("localhost")}) as origin:

            async def gate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                nonlocal seen
                seen += 1
                if seen > 9:
                    await every(0.05, lambda number: HELLO[number : number + 1])(reader, writer)
                    return
                there, back = await asyncio.open_connection("127.0.0.1", origin.port)
                try:
                    await asyncio.gather(carry(reader, back), carry(there, writer))
                finally:
                    back.transport.abort()

            async with peer(gate) as port:
                target = parse_target(f"localhost:{port}")
                options = ProbeOptions(timeout=2, connect_to=("127.0.0.1", port))
                budget = Budget(2)
                budget.seconds = 3
                found = await inquire(target, options, None, budget)
                await asyncio.sleep(0.3)  # both sides see that we left
                return diagnose(found, pki.knowledge(), config_lines())

    found = asyncio.run(run())
    assert any(trial.answered for trial in found.inquiry.trials.values())
    assert found.inquiry.observation.handshake is not None
    assert "trials" in found.inquiry.unfinished
    assert diagnose_record(found).unfinished == found.inquiry.unfinished
    shown = io.StringIO()
    Console(file=shown, width=200).print(render(found))
    assert "Time ran out before these were done: trials" in shown.getvalue()


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 14):
        writer.write(data)
        await writer.drain()
    writer.close()


def test_work_that_ends_in_time_gives_its_result_and_other_time_outs_are_its_own() -> None:
    async def one() -> int:
        return 1

    async def late() -> int:
        await asyncio.sleep(60)
        return 1

    async def own() -> int:
        raise TimeoutError

    async def run() -> None:
        budget = Budget(0.05)
        work: list[tuple[str, Callable[[], Awaitable[int]], int | None]] = [
            ("one", one, 1), ("late", late, None), ("later", one, 1), ("latest", late, None),
        ]  # fmt: skip
        for what, make, wanted in work:
            assert await budget.spend(what, make()) == wanted  # type: ignore[arg-type]
        assert budget.unfinished == ["late", "latest"]
        with pytest.raises(TimeoutError):
            await Budget(1).spend("own", own())

    asyncio.run(run())
