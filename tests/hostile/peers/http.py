"""HTTP servers that never come to an end, or whose few bytes become gigabytes."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib

import brotli
import zstandard

from tests.hostile.peers.peer import Peer, World, forever, slowly

_ZEROS = b" " * (64 << 20)


def peers(world: World) -> list[Peer]:
    def says(name: str, start: bytes, *, then: bytes = b"", pause: float = 0.0) -> Peer:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(start)
            await writer.drain()
            if then:
                await forever(writer, then, pause)
            await asyncio.sleep(3600)

        return Peer(f"http-{name}", "http", serve)

    async def every(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Every request is sent to another place of the same server."""
        number = 0
        while head := await reader.readuntil(b"\r\n\r\n"):
            number += 1
            host = head.lower().partition(b"host: ")[2].partition(b"\r")[0] or b"x"
            place = b"Location: //%s/%d\r\n" % (host, number)
            writer.write(b"HTTP/1.1 302 Found\r\n" + place + b"Content-Length: 0\r\n\r\n")

    async def head_drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await slowly(writer, b"HTTP/1.1 200 OK\r\nX: " + b"x" * 4000)

    async def again(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 503 No\r\nRetry-After: 86400\r\nContent-Length: 0\r\n\r\n")

    ok = b"HTTP/1.1 200 OK\r\n"
    chunked = ok + b"Transfer-Encoding: chunked\r\n\r\n"
    found = [
        Peer("http-redirects", "http", every),
        Peer("http-drip-head", "http", head_drip),
        Peer("http-later", "http", again),
        says("drip-body", ok + b"Content-Length: 100000\r\n\r\n", then=b"x", pause=0.1),
        says("1xx", b"", then=b"HTTP/1.1 100 Continue\r\n\r\n" * 2000),
        says("1xx-drip", b"", then=b"HTTP/1.1 102 Processing\r\n\r\n", pause=0.05),
        says("headers", ok, then=b"X-A: b\r\n" * 4000),
        says("header-line", ok + b"X: ", then=b"x" * 65536),
        says("status-line", b"HTTP/1.1 ", then=b"2" * 65536),
        says("body", ok + b"\r\n", then=b"[" * 65536),
        says("chunks", chunked, then=b"1\r\n[\r\n" * 10_000),
        says("chunk-size", chunked, then=b"0" * 65536),
        says("chunk-extension", chunked + b"1;", then=b"x" * 65536),
        says("length-lie", ok + b"Content-Length: 99999999999999999999\r\n\r\n", then=b" " * 65536),
        says("length-negative", ok + b"Content-Length: -1\r\n\r\n[]"),
        says("escapes", b"HTTP/1.1 404 \x1b[2J\x1b]0;x\x07\r\nServer: \x1b[31m\r\nContent-Encoding: \x9b\r\n\r\n"),
    ]  # fmt: skip
    found += [_answers(name, body, coding) for name, coding, body in _bodies()]
    return found


def _bodies() -> list[tuple[str, str, bytes]]:
    """Name, coding, body: bombs, and JSON that is small on the wire and large or deep in memory."""
    rows = json.dumps([{"id": "1", "dns_names": ["a" * 60] * 200}] * 60).encode()
    return [
        ("bomb-gzip", "gzip", gzip.compress(_ZEROS)),
        ("bomb-deflate", "deflate", zlib.compress(_ZEROS)),
        ("bomb-br", "br", brotli.compress(_ZEROS, quality=1)),
        ("bomb-zstd", "zstd", zstandard.compress(_ZEROS)),
        ("bomb-nested", "gzip, br, zstd, gzip", gzip.compress(brotli.compress(_ZEROS, quality=1))),
        ("json-deep", "", b"[" * 100_000 + b"]" * 100_000),
        ("json-objects", "", b'{"a":' * 100_000),
        ("json-number", "", b"[" + b"9" * 100_000 + b"]"),
        ("json-many", "", b"[" + b"{}," * 300_000 + b"{}]"),
        ("json-rows", "", rows),
        ("der-deep", "", b"\x30\x80" * 20_000),
        ("pem-many", "", b"-----BEGIN CERTIFICATE-----\n" * 4000),
    ]


def _answers(name: str, body: bytes, coding: str) -> Peer:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n"
    if coding:
        head += f"Content-Encoding: {coding}\r\n"
    answer = head.encode() + b"\r\n" + body

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(answer)
            await writer.drain()

    return Peer(f"http-{name}", "http", serve)
