"""A port on loopback for one destination: programs of this machine connect to it, and what leaves is kept byte by byte.

So what a program sends is measured and not guessed: the relay goes the way that is asked about, by proxy and all, and
carries bytes both ways. It trusts nobody and decrypts nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from detector.errors import DialError
from detector.model.observation import Target
from detector.net.probe import KEPT_BYTES, ProbeOptions, ProbeRun
from detector.net.stream import Stream

# Connections of one program; a browser opens a few.
_MOST = 32
_CHUNK = 1 << 16


class Relay:
    """What went through.

    Attributes:
        port: where it listens on 127.0.0.1.
        sent: the first 64 KiB that each connection's client sent, oldest first.
        why: why the destination could not be dialled, where it could not.

    """

    def __init__(self) -> None:
        self.port = 0
        self.sent: list[bytearray] = []
        self.why = ""


@asynccontextmanager
async def relay(target: Target, options: ProbeOptions) -> AsyncGenerator[Relay]:
    """Until left."""
    found = Relay()
    tasks: set[asyncio.Task[None] | None] = set()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        tasks.add(task)
        try:
            if len(found.sent) < _MOST:
                await _carry(found, reader, writer, target, options)
        except OSError:
            pass  # either end went away
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(met, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        left = [task for task in tasks if task is not None]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await server.wait_closed()


async def _carry(
    found: Relay,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    target: Target,
    options: ProbeOptions,
) -> None:
    kept = bytearray()
    found.sent.append(kept)
    try:
        stream = await ProbeRun(target, options).dial()
    except DialError as error:
        found.why = str(error)
        return
    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(_out(reader, stream, kept))
            both.create_task(_back(stream, writer))
    except* OSError:
        pass
    finally:
        stream.close()


async def _out(reader: asyncio.StreamReader, stream: Stream, kept: bytearray) -> None:
    while data := await reader.read(_CHUNK):
        kept += data[: max(0, KEPT_BYTES - len(kept))]
        await stream.write(data)
    stream.end()


async def _back(stream: Stream, writer: asyncio.StreamWriter) -> None:
    while data := await stream.read():
        writer.write(data)
        await writer.drain()
    with suppress(OSError):
        writer.write_eof()
