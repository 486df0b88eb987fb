"""Handshakes that go round and round, and what can be sent without end once one is done."""

from __future__ import annotations

import asyncio
import os

from detector.lab.peers import read_hello
from detector.wire import registry as r
from detector.wire.hello import RETRY_RANDOM, ServerHello, build_server_hello
from detector.wire.offer import SECP256R1
from detector.wire.records import HANDSHAKE, encode_message, encode_record
from tests.hostile import tls13
from tests.hostile.peers.peer import Peer, World, forever


def peers(world: World) -> list[Peer]:
    async def retries(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            _, _, hello = await read_hello(reader)
            extensions = (
                (r.SUPPORTED_VERSIONS, b"\x03\x04"),
                (r.COOKIE, tls13.vector(2, os.urandom(60_000))),
                (r.KEY_SHARE, SECP256R1.to_bytes(2, "big")),
            )
            answer = ServerHello(0x0303, RETRY_RANDOM, hello.session_id, 0x1301, 0, extensions)
            message = encode_message(r.SERVER_HELLO, build_server_hello(answer))
            writer.write(encode_record(HANDSHAKE, message))
            await writer.drain()

    def after(name: str, kind: int, content: bytes, pause: float = 0.0) -> Peer:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            server = await tls13.taken(reader, writer)
            writer.write(server.hello + server.flight(world.flight, world.key))
            await writer.drain()
            sealer = server.application()
            while True:
                # One piece is sealed again and again: a client that would take all of it meets new records.
                sealed = b"".join(sealer.seal(kind, content) for _ in range(1 if pause else 16))
                writer.write(sealed)
                await writer.drain()
                await asyncio.sleep(pause)

        return Peer(name, "tls", serve)

    async def inside(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The encrypted flight, then a message that never ends in its own records of one byte."""
        server = await tls13.taken(reader, writer)
        writer.write(server.hello + server.sealer.seal(HANDSHAKE, encode_message(8, b"\0\0")))
        writer.write(server.sealer.seal(HANDSHAKE, b"\x0b\x03\xff\xff"))
        while True:
            writer.write(b"".join(server.sealer.seal(HANDSHAKE, b"\0") for _ in range(64)))
            await writer.drain()

    async def padding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Encrypted records that hold nothing."""
        server = await tls13.taken(reader, writer)
        writer.write(server.hello)
        while True:
            writer.write(b"".join(server.sealer.seal(HANDSHAKE, b"") for _ in range(64)))
            await writer.drain()

    update = encode_message(24, b"\x01")
    ticket = encode_message(
        4, b"\0\x09\x3a\x80" + os.urandom(4) + b"\x08" + os.urandom(8)
        + tls13.vector(2, os.urandom(16_000)) + b"\0\0",
    )  # fmt: skip
    return [
        Peer("retry-loop", "tls", retries),
        after("key-updates", HANDSHAKE, update * 400),
        after("tickets", HANDSHAKE, ticket),
        after(
            "application-flood", tls13.APPLICATION_DATA, b"HTTP/1.1 200 OK\r\nX: " + b"x" * 16_000
        ),
        after("application-drip", tls13.APPLICATION_DATA, b"x", 0.1),
        after("application-nothing", tls13.APPLICATION_DATA, b"", 0.02),
        Peer("crumbs-inside", "tls", inside),
        Peer("padding-inside", "tls", padding),
        Peer("plain-after-hello", "tls", _plain_after(world)),
    ]


def _plain_after(world: World):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = await tls13.taken(reader, writer)
        writer.write(server.hello)
        await forever(writer, encode_record(23, os.urandom(16_000)))

    return serve
