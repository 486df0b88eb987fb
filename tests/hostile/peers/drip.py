"""Peers that always have one more byte, a moment before any read gives up."""

from __future__ import annotations

import asyncio

from detector.wire.records import ALERT, HANDSHAKE, encode_record
from tests.hostile.peers.peer import Peer, World, forever, hello12, slowly


def peers(world: World) -> list[Peer]:
    async def flight(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await slowly(writer, encode_record(HANDSHAKE, b"".join(await hello12(reader, world))))

    async def certificates(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello, certificate, *_ = await hello12(reader, world)
        writer.write(encode_record(HANDSHAKE, hello))
        await slowly(writer, encode_record(HANDSHAKE, certificate))

    async def alerts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        await forever(writer, encode_record(ALERT, b"\x01\x5a"), 0.3)

    async def text(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await forever(writer, b"x", 0.3)

    return [
        Peer("drip-flight", "tls", flight),
        Peer("drip-certificates", "tls", certificates),
        Peer("drip-alerts", "tls", alerts),
        Peer("drip-text", "tls", text),
    ]
