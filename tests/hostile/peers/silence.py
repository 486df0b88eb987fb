"""Peers that say nothing, or stop saying something, and never close."""

from __future__ import annotations

import asyncio

from detector.wire.records import HANDSHAKE, encode_record
from tests.hostile.peers.peer import Peer, World, hello12


def peers(world: World) -> list[Peer]:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    async def half_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (hello, *_) = await hello12(reader, world)
        writer.write(encode_record(HANDSHAKE, hello))
        writer.write_eof()
        await asyncio.sleep(3600)

    async def half_said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello, certificate, *_ = await hello12(reader, world)
        records = encode_record(HANDSHAKE, hello) + encode_record(HANDSHAKE, certificate)
        writer.write(records[:-20])
        await asyncio.sleep(3600)

    async def unfinished(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(encode_record(HANDSHAKE, b"".join(await hello12(reader, world))))
        await asyncio.sleep(3600)

    return [
        Peer("silent", "tls", silent),
        Peer("half-close", "tls", half_close),
        Peer("half-said", "tls", half_said),
        Peer("never-finished", "tls", unfinished),
    ]
