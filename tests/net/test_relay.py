"""The relay carries bytes both ways, keeps what left, and ends with whoever opened it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from detector.model.observation import Target
from detector.net.probe import KEPT_BYTES, ProbeOptions
from detector.net.relay import Relay, relay


@asynccontextmanager
async def to_an_echo() -> AsyncGenerator[Relay]:
    """A relay to a server that says what it hears, backwards."""

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data[::-1])
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(met, "127.0.0.1", 0)
    options = ProbeOptions(connect_to=("127.0.0.1", server.sockets[0].getsockname()[1]), timeout=5)
    async with server, relay(Target("echo.test", 443), options) as way:
        yield way


def test_bytes_go_both_ways_and_what_left_is_kept_for_each_connection() -> None:
    async def go() -> None:
        async with to_an_echo() as way:
            for word in (b"one", b"two"):
                reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
                writer.write(word)
                assert await reader.readexactly(3) == word[::-1]
                writer.write_eof()
                assert await reader.read() == b""
                writer.close()
            assert way.sent == [b"one", b"two"]

    asyncio.run(go())


def test_no_more_is_kept_than_a_probe_keeps_nor_more_connections_than_a_browser_opens() -> None:
    async def go() -> None:
        async with to_an_echo() as way:
            reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
            for _ in range(3):
                writer.write(bytes(KEPT_BYTES))
                await reader.readexactly(KEPT_BYTES)
            writer.close()
            assert [len(one) for one in way.sent] == [KEPT_BYTES]
            for _ in range(40):
                reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
                writer.write_eof()
                await reader.read()
                writer.close()
            assert len(way.sent) == 32

    asyncio.run(go())


def test_who_leaves_the_relay_waits_for_nobody_and_nobody_there_is_told() -> None:
    async def go() -> None:
        async with to_an_echo() as way:
            reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
            writer.write(b"x")
            await reader.readexactly(1)
        # Its own connection was open still.
        assert await reader.read() == b""
        writer.close()
        options = ProbeOptions(connect_to=("127.0.0.1", 9), timeout=1)
        async with relay(Target("echo.test", 443), options) as way:
            reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
            assert await reader.read() == b""
            writer.close()
        assert "refuses the connection" in way.why

    asyncio.run(go())
