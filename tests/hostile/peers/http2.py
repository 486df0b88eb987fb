"""HTTP/2 servers that send frames for their own sake."""

from __future__ import annotations

import asyncio

from tests.hostile.peers.peer import Peer, World, forever


def peers(world: World) -> list[Peer]:
    def floods(name: str, data: bytes, start: bytes = b"") -> Peer:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(frame(4, 0, 0, b"") + start)
            await writer.drain()
            await forever(writer, data)

        return Peer(f"h2-{name}", "http", serve, h2=True)

    return [
        floods("pings", frame(6, 0, 0, bytes(8)) * 4000),
        floods("settings", frame(4, 0, 0, b"\0\x03\0\0\0\x64" * 10) * 1000),
        floods(
            "limits",
            b"".join(frame(4, 0, 0, b"\0\3\0\0\0" + n) for n in (b"\1", b"d", b"\2", b"\0")) * 250,
        ),
        floods("continuations", frame(9, 0, 1, b"\x00\x01a\x01b" * 2000), frame(1, 0, 1, b"\x88")),
        floods("empty-data", frame(0, 0, 1, b"") * 4000, frame(1, 4, 1, b"\x88")),
        floods("data", frame(0, 0, 1, b"[" * 16_000) * 4, frame(1, 4, 1, b"\x88")),
        floods("window", frame(8, 0, 0, b"\0\0\0\1") * 4000),
        floods("table", frame(1, 4, 1, b"\x3f\xe1\xff\xff\xff\x0f") * 10),
        floods("lie", b"\xff\xff\xff\x00\x00\x00\x00\x00\x01" + bytes(65536)),
    ]


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One frame (RFC 9113 section 4.1)."""
    size = len(payload).to_bytes(3, "big")
    return size + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
