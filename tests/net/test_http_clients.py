"""Our own requests to HTTP/2 servers that change their mind, and whose doing an exception is."""

from __future__ import annotations

import asyncio
import random
import struct
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpcore
import httpx
import pytest
from h2.connection import H2Connection

from detector.errors import FetchError
from detector.lab.origin import server_context
from detector.lab.pki import LabPki
from detector.model.observation import Observation
from detector.net.fetch import Fetcher, FetchOptions
from detector.net.http_clients import is_below
from tests.hostile.peers.http2 import frame

SETTINGS, HEADERS, DATA = 4, 1, 0
LIMITS = (0, 1, 2, 3, 50, 99, 100, 101, 2**31)


@pytest.fixture
def options(pki: LabPki, tmp_path: Path) -> FetchOptions:
    path = tmp_path / "root.pem"
    path.write_text(pki.root.pem)

    async def at_once(_: float) -> None:
        await asyncio.sleep(0)

    return FetchOptions(trust=path, sleep=at_once, timeout=2.0)


def streams(*limits: int) -> bytes:
    """A SETTINGS frame that says each of them in turn (SETTINGS_MAX_CONCURRENT_STREAMS, RFC 9113 section 6.5.2)."""
    said = b"".join(struct.pack(">HI", 3, limit) for limit in limits)
    return frame(SETTINGS, 0, 0, said)


@asynccontextmanager
async def server(pki: LabPki, says: Sequence[bytes]) -> AsyncGenerator[str]:
    """One that sends the pieces one after the other, whatever it is asked; gives its URL."""
    context = server_context(pki.issue("127.0.0.1"))
    context.set_alpn_protocols(["h2"])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):
                await reader.read(1)
                for piece in says:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.001)
                await reader.read()
        finally:
            writer.transport.abort()

    found = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{found.sockets[0].getsockname()[1]}/"
    finally:
        found.close()
        async with asyncio.timeout(10):  # no connection outlives the client that made it
            await found.wait_closed()


def answer(stream: int) -> bytes:
    return frame(HEADERS, 4, stream, b"\x88") + frame(DATA, 1, stream, b"x")


async def outcome(fetch: Fetcher, url: str) -> str:
    try:
        return (await fetch.get(url, limit=100)).body.decode()
    except FetchError as error:
        return "one line" if str(error).isprintable() else str(error)


@pytest.mark.parametrize(
    "limits",
    [(100,), (1,), (1, 100), (100, 1, 100), (0, 100), (2**31, 1), (3, 2, 1, 2, 3), (100, 99, 0, 7)],
)
def test_a_server_may_raise_and_lower_what_it_allows_in_any_order(
    pki: LabPki, options: FetchOptions, limits: tuple[int, ...]
) -> None:
    async def go() -> str:
        says = [streams(), *(streams(one) for one in limits), answer(1)]
        async with server(pki, says) as url, Fetcher(options) as fetch:
            return await outcome(fetch, url)

    assert asyncio.run(go()) == "x"


def test_a_request_that_is_cut_off_while_its_connection_begins_breaks_no_other_one(
    pki: LabPki, options: FetchOptions
) -> None:
    """The library counts what is allowed down from 100 step by step; cut off midway it has lost count."""

    async def go(turns: int) -> tuple[str, str]:
        shaken = asyncio.Event()

        def look(_: Observation) -> None:
            shaken.set()

        async with (
            server(pki, [streams(100), answer(1), answer(3)]) as url,
            Fetcher(replace(options, look=look)) as fetch,
        ):
            first = asyncio.ensure_future(outcome(fetch, url))
            second = asyncio.ensure_future(outcome(fetch, url))
            await shaken.wait()
            for _ in range(turns):
                await asyncio.sleep(0)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            return await second, await outcome(fetch, url)

    assert {asyncio.run(go(turns)) for turns in (0, 10, 40, 80)} == {("x", "x")}


def test_whatever_settings_come_in_whatever_order_the_end_is_an_answer_or_one_line(
    pki: LabPki, options: FetchOptions
) -> None:
    async def go(seed: int) -> Counter[str]:
        chance = random.Random(seed)
        says = [streams()]
        for number in range(40):
            says.append(streams(*chance.choices(LIMITS, k=chance.randrange(4))))
            if chance.random() < 0.5:
                says.append(answer(1 + 2 * chance.randrange(number + 1)))
        found: Counter[str] = Counter()
        async with server(pki, says) as url:
            for timeout in (0.02, 0.05, 0.2):
                async with Fetcher(replace(options, timeout=timeout, attempts=3)) as fetch:
                    asked = (outcome(fetch, url) for _ in range(chance.choice((1, 3, 8))))
                    found.update(await asyncio.gather(*asked))
        return found

    found = sum((asyncio.run(go(seed)) for seed in range(6)), Counter())
    assert found.keys() <= {"x", "one line"}
    assert found.total() >= 18


def test_what_is_raised_below_httpx_is_a_peers_doing_and_what_httpx_or_we_raise_is_ours() -> None:
    async def told(_: str, __: dict[str, object]) -> None:
        raise KeyError("a mistake of ours")

    async def ours() -> None:
        async with httpx.AsyncClient() as client:
            await client.get("http://127.0.0.1:9/", extensions={"trace": told})

    async def wrongly() -> None:
        async with httpx.AsyncClient() as client:
            await client.get("http://127.0.0.1:9/", headers=7)  # type: ignore[arg-type]

    async def below() -> None:
        await httpcore._synchronization.AsyncSemaphore(1).release()
        H2Connection().receive_data(None)  # type: ignore[arg-type]

    for one, expected in ((ours, False), (wrongly, False), (below, True)):
        with pytest.raises(Exception) as error:
            asyncio.run(one())
        assert is_below(error.value) is expected
