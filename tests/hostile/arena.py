"""One process with every hostile peer, and beside them the runs of the command, many at a time.

    python -m tests.hostile.arena FOLDER [--all] [WORD...]

A WORD picks cells whose name holds it; without --all, commands that reach a peer through the same code take turns.

It prints one line of JSON a cell: `measured.Run` and what the cell may cost. `unshare -n` around it keeps
the peers to themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import chain
from pathlib import Path

import msgspec

from tests.hostile import measured

WIDTH = 16


def main() -> None:
    """Fork first: a starter has one thread and no loop."""
    folder, words = Path(sys.argv[1]), sys.argv[2:]
    with measured.start_starter() as channel:
        asyncio.run(_run(channel, folder, words))


async def _run(channel: socket.socket, folder: Path, words: list[str]) -> None:
    from detector.lab.pki import LabPki
    from tests.hostile import cells, reading
    from tests.hostile.peers import all_peers
    from tests.hostile.peers.peer import World

    stage = cells.Stage(World(LabPki()), folder)
    cells.prepare(stage)
    reading.prepare(stage)
    async with AsyncExitStack() as stack:
        for number, peer in enumerate(all_peers(stage.world), 1):
            stage.peers[peer.name] = peer
            for place in cells.places(peer, number):
                context = cells.context(stage.world, peer, place)
                serve = cells.serving(peer, place)
                with contextlib.suppress(PermissionError):  # a low port
                    port = await stack.enter_async_context(_listening(serve, place, context))
                    stage.at[peer.name, place.purpose] = f"{place.address}:{port}"
        every = "--all" in words
        both = chain(cells.jobs(stage, every=every), reading.jobs(stage, every=every))
        words = [word for word in words if word != "--all"]
        jobs = [job for job in both if not words or any(w in job.name for w in words)]
        await _all(channel, jobs)


async def _all(channel: socket.socket, jobs: list[measured.Job]) -> None:
    channel.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=channel)
    waiting = iter(jobs)
    for job in _first(waiting, WIDTH):
        writer.write(msgspec.json.encode(job) + b"\n")
    for _ in jobs:
        line = await reader.readline()
        assert line, "the starter ended"
        sys.stdout.write(line.decode())
        sys.stdout.flush()
        for job in _first(waiting, 1):
            writer.write(msgspec.json.encode(job) + b"\n")
    writer.close()


def _first(jobs: Iterator[measured.Job], count: int) -> Iterator[measured.Job]:
    for _ in range(count):
        job = next(jobs, None)
        if job is not None:
            yield job


@asynccontextmanager
async def _listening(
    serve: object, place: object, context: ssl.SSLContext | None
) -> AsyncGenerator[int]:
    connections: set[asyncio.Task[None]] = set()

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        watch = asyncio.ensure_future(_gone(writer, task))
        try:
            await serve(reader, writer)
        except (OSError, EOFError, asyncio.LimitOverrunError, asyncio.CancelledError, ValueError):
            pass  # the client has had enough
        except Exception as error:
            from detector.errors import TlsightError

            if not isinstance(error, TlsightError):
                raise
        finally:
            watch.cancel()
            connections.discard(task)
            writer.transport.abort() if writer.transport.is_closing() else writer.close()

    server = await asyncio.start_server(guarded, place.address, place.port, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tuple(connections):
            task.cancel()


async def _gone(writer: asyncio.StreamWriter, task: asyncio.Task[None]) -> None:
    """Nothing is said for an hour to a client that went away."""
    with contextlib.suppress(Exception):
        await writer.wait_closed()
    task.cancel()


if __name__ == "__main__":
    main()
