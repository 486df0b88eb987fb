"""Lengths that are not true, at every layer: record, message, vector, extension, DER."""

from __future__ import annotations

import asyncio

from detector.wire.records import HANDSHAKE, encode_message, encode_record
from tests.hostile import minting, tls13
from tests.hostile.peers.peer import HOST, Peer, World, hello12


def peers(world: World) -> list[Peer]:
    def says(name: str, *records: bytes, hello: bool = True) -> Peer:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            first = await hello12(reader, world)
            if hello:
                writer.write(encode_record(HANDSHAKE, first[0]))
            writer.write(b"".join(records))
            await writer.drain()
            await asyncio.sleep(3600)

        return Peer(name, "tls", serve)

    leaf = world.credential.der
    honest = b"\0\0\0" + tls13.vector(3, tls13.vector(3, leaf))
    endless = b"\x0b\xff\xff\xff" + bytes(1 << 14)
    lying_leaf = b"\x30\x84\xff\xff\xff\xff" + leaf[4:]
    inner = minting.minted_by(
        world.pki.intermediate, minting.name(HOST.encode()), minting.public_key(world.key),
        [minting.extension("551d11", b"\x30\x84\x7f\xff\xff\xff\x82\x83\xff\xff\xff")],
    )  # fmt: skip

    def listed(der: bytes) -> bytes:
        return encode_record(HANDSHAKE, encode_message(11, tls13.vector(3, tls13.vector(3, der))))

    wrong_vector = encode_message(11, b"\x00\xff\xff" + honest)
    shorter = encode_message(11, b"\x00\x00\x01" + honest)
    return [
        says("lie-record", b"\x16\x03\x03\xff\xff" + bytes(1 << 16)),
        says("lie-record-empty", b"\x16\x03\x03\x40\x00"),
        says("lie-message", encode_record(HANDSHAKE, endless) * 70),
        says("lie-list", encode_record(HANDSHAKE, wrong_vector)),
        says("lie-list-short", encode_record(HANDSHAKE, shorter)),
        says("lie-der", listed(lying_leaf)),
        says("lie-der-inside", listed(inner) + encode_record(HANDSHAKE, encode_message(14, b""))),
        says("lie-hello", encode_record(HANDSHAKE, b"\x02\0\0\x28\x03\x03" + bytes(32) + b"\xff\xff\xff\xff"), hello=False),
        says(
            "lie-extensions",
            encode_record(
                HANDSHAKE,
                encode_message(2, b"\x03\x03" + bytes(33) + b"\xc0\x2b\0\xff\xff\xff\x01\xff\xff\0"),
            ),
            hello=False,
        ),
        says(
            "thousand-extensions",
            encode_record(
                HANDSHAKE,
                encode_message(
                    2,
                    b"\x03\x03" + bytes(33) + b"\xc0\x2b\0"
                    + tls13.vector(2, b"".join(n.to_bytes(2, "big") + b"\0\0" for n in range(9000))),
                ),
            ),
            hello=False,
        ),
    ]  # fmt: skip
