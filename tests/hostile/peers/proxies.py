"""Proxies that drip, flood, or let one through to somebody who does."""

from __future__ import annotations

import asyncio

from tests.hostile.peers.peer import Peer, World, forever, slowly


def peers(world: World) -> list[Peer]:
    def says(
        name: str, scheme: str, start: bytes, *, then: bytes = b"", pause: float = 0.0
    ) -> Peer:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(start)
            await writer.drain()
            if then:
                await forever(writer, then, pause)
            await asyncio.sleep(3600)

        return Peer(f"proxy-{name}", "proxy", serve, scheme)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await slowly(writer, b"HTTP/1.1 200 Connection established\r\nX: " + b"x" * 4000)

    async def socks_drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await slowly(writer, b"\x05\x00\x05\x00\x00\x03\xff" + b"x" * 300)

    through = b"HTTP/1.1 200 OK\r\n\r\n"
    asks = b"HTTP/1.1 407 No\r\n" + b'Proxy-Authenticate: Basic realm="\x1b[2J"\r\n' * 500
    return [
        Peer("proxy-drip", "proxy", drip, "http"),
        Peer("proxy-socks-drip", "proxy", socks_drip, "socks5h"),
        says("silent", "http", b""),
        says("1xx", "http", b"", then=b"HTTP/1.1 100 Continue\r\n\r\n" * 2000),
        says("head", "http", b"HTTP/1.1 200 OK\r\n", then=b"X-A: b\r\n" * 4000),
        says("line", "http", b"HTTP/1.1 ", then=b"x" * 65536),
        says("refusal", "http", b"HTTP/1.1 502 \x1b[2J\r\n\r\n", then=b"<html>" * 10_000),
        says("login", "http", asks, then=b"X: y\r\n" * 4000),
        says("through-drip", "http", through, then=b"\x16", pause=0.3),
        says("through-flood", "http", through, then=bytes(65536)),
        says("through-alerts", "http", through, then=b"\x15\x03\x03\0\2\1\x5a" * 9000),
        says("socks-flood", "socks5h", b"\x05\x00", then=b"\x05\x00\x00\x03\xff" + bytes(65536)),
        says("socks-lie", "socks5h", b"\x05\x02\x01"),
        says("socks-zeros", "socks5h", b"", then=bytes(65536)),
    ]
