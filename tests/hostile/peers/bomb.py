"""Certificates that unpack to gigabytes (RFC 8879), whether or not packing was offered."""

from __future__ import annotations

import asyncio
import zlib

import brotli
import zstandard

from detector.wire.records import encode_message
from tests.hostile import tls13
from tests.hostile.peers.peer import Peer, World

_STATED = (1 << 24) - 1


def peers(world: World) -> list[Peer]:
    zeros = bytes(64 << 20)
    packed = {
        "zlib": (1, zlib.compress(zeros)),
        "brotli": (2, brotli.compress(zeros, quality=1)),
        "zstd": (3, zstandard.compress(zeros)),
    }
    return [_bomb(world, name, number, data) for name, (number, data) in packed.items()]


def _bomb(world: World, name: str, number: int, data: bytes) -> Peer:
    body = number.to_bytes(2, "big") + _STATED.to_bytes(3, "big") + tls13.vector(3, data)
    message = encode_message(tls13.COMPRESSED_CERTIFICATE, body)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = await tls13.taken(reader, writer)
        writer.write(server.hello + server.flight(message, world.key))
        await writer.drain()
        await asyncio.sleep(3600)

    return Peer(f"bomb-certificate-{name}", "tls", serve)
