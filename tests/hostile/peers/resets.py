"""Peers that reset the connection at each step of the handshake."""

from __future__ import annotations

import asyncio

from detector.lab.peers import reset
from detector.wire.records import HANDSHAKE, encode_record
from tests.hostile import tls13
from tests.hostile.peers.peer import Peer, World, hello12


def peers(world: World) -> list[Peer]:
    async def at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reset(writer)

    def after(messages: int) -> Peer:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            said = (await hello12(reader, world))[:messages]
            writer.write(b"".join(encode_record(HANDSHAKE, m) for m in said))
            await writer.drain()
            await asyncio.sleep(0.02)
            reset(writer)

        return Peer(f"reset-after-{messages}", "tls", serve)

    async def finished(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = await tls13.taken(reader, writer)
        writer.write(server.hello + server.flight(world.flight, world.key))
        await writer.drain()
        await reader.read(1)
        reset(writer)

    return [
        Peer("reset-at-once", "tls", at_once),
        after(0), after(1), after(2), after(4),
        Peer("reset-finished", "tls", finished),
    ]  # fmt: skip
