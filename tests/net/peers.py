"""Peers for probes: an asyncio server on a free loopback port that does what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from detector.model.observation import Observation
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions, probe

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def peer(handler: Handler) -> AsyncGenerator[int]:
    """A server whose every connection is given to `handler`; yields its port."""

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await handler(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()  # what nobody reads keeps it open
            raise
        writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def probed(handler: Handler, timeout: float = 20.0) -> Observation:
    """One probe of a peer that behaves like `handler`."""

    async def run() -> Observation:
        async with peer(handler) as port:
            options = ProbeOptions(timeout=timeout, connect_to=("127.0.0.1", port))
            return await probe(parse_target("a.com"), options)

    return asyncio.run(run())


def sends(*chunks: bytes, hello: bool = True) -> Handler:
    """Read the ClientHello, send the chunks, close."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if hello:
            await reader.read(1)
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
        await asyncio.sleep(0.05)

    return handler
