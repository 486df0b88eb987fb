"""Peers that send as fast as they are read: alerts, records that carry nothing, messages in crumbs."""

from __future__ import annotations

import asyncio
import os

from detector.wire.records import (
    ALERT,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    encode_message,
    encode_record,
)
from tests.hostile.peers.peer import Peer, World, forever, hello12


def peers(world: World) -> list[Peer]:
    def flood(name: str, data: bytes, *, after_hello: bool = False) -> Peer:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if after_hello:
                hello, *_ = await hello12(reader, world)
                writer.write(encode_record(HANDSHAKE, hello))
            else:
                await reader.read(1)
            await forever(writer, data)

        return Peer(name, "tls", serve)

    async def crumbs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A true flight, one byte a record, and then a message that never ends, in the same way."""
        for message in (await hello12(reader, world))[:-1]:
            writer.write(b"".join(encode_record(HANDSHAKE, bytes((b,))) for b in message))
        await writer.drain()
        await forever(writer, encode_record(HANDSHAKE, b"\x0b") * 4096)

    async def greeting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await forever(writer, b"220-welcome to this server, please be patient\r\n" * 500)

    return [
        flood("flood-alerts", encode_record(ALERT, b"\x01\x5a") * 40_000),
        flood(
            "flood-alerts-after-hello", encode_record(ALERT, b"\x01\x5a") * 40_000, after_hello=True
        ),
        flood("flood-closures", encode_record(ALERT, b"\x01\x00") * 10_000),
        flood("flood-empty-records", encode_record(HANDSHAKE, b"") * 10_000),
        flood("flood-ccs", encode_record(CHANGE_CIPHER_SPEC, b"\x01") * 10_000, after_hello=True),
        flood(
            "flood-hello-requests",
            encode_record(HANDSHAKE, encode_message(0, b"")) * 10_000,
            after_hello=True,
        ),
        flood("flood-random", os.urandom(1 << 18)),
        flood("flood-zeros", bytes(1 << 18)),
        Peer("flood-crumbs", "tls", crumbs),
        Peer("flood-greeting", "tls", greeting),
    ]
