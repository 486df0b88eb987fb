"""A visit takes our server's signed word and nobody else's, and what a peer sends has an end."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detector.echo.sealed import sealed
from detector.lab.origin import server_context
from detector.lab.pki import LabPki
from detector.model.echoes import Echo
from detector.model.grades import Visit
from detector.net.probe import ProbeOptions
from detector.net.visit import Visited, visit
from tests.net.peers import Handler, peer

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw().hex()
Says = Callable[[str], bytes]


def word(nonce: str, key: Ed25519PrivateKey = KEY) -> bytes:
    echo = Echo(nonce=nonce, at=datetime.now(UTC), flight=b"", peer="192.0.2.1", http="HTTP/1.1")
    return sealed(echo, PUBLIC, key.sign)


def http(body: bytes, status: str = "200 OK", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


@asynccontextmanager
async def saying(context: ssl.SSLContext, says: Says) -> AsyncGenerator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            writer.write(says(head.partition("nonce=")[2].split()[0].partition("&")[0]))
            await writer.drain()
        except (OSError, EOFError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def visited(pki: LabPki, says: Says) -> Visit:
    async def go() -> Visit:
        async with saying(server_context(pki.issue("good.grade.test"), None), says) as port:
            return await asked(port)

    return asyncio.run(go())


async def asked(port: int, timeout: float = 20.0) -> Visit:
    options = ProbeOptions(
        timeout=timeout, listen=timeout, connect_to=("127.0.0.1", port), alpn=("http/1.1",)
    )
    found, _ = await visit(Visited("good", "good.grade.test", 443, PUBLIC), options)
    return found


def test_the_servers_signed_word_for_this_nonce_is_an_answer(pki: LabPki) -> None:
    found = visited(pki, lambda nonce: http(word(nonce)))
    assert (found.ended, found.status, found.saw is not None) == ("answered", 200, True)
    assert len(found.chain) >= 1


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (lambda nonce: http(word(nonce, OTHER)), "sign"),
        (lambda _: http(word("of-yesterday")), "HTTP 200"),
        (lambda nonce: http(word(nonce)[:-9]), "no echo"),
        (lambda nonce: http(gzip.compress(word(nonce)), more="Content-Encoding: gzip\r\n"), "no echo"),
        (lambda _: http(b"<h1>Blocked</h1>"), "no echo"),
        (lambda _: http(b"", "302 Found", "Location: https://portal.example/\r\n"), "no echo"),
        (lambda _: http(b"\0" * (700 << 10)), "more than"),
    ],
    ids=["another key", "another nonce", "half", "gzip", "a page", "a redirect", "too much"],
)  # fmt: skip
def test_everything_else_is_somebody_elses_page(pki: LabPki, says: Says, why: str) -> None:
    found = visited(pki, says)
    assert (found.ended, found.saw) == ("page", None)
    assert why in found.why


@pytest.mark.parametrize(
    "says",
    [
        lambda _: b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"a" * (80 << 10) + b"\r\n\r\n",
        lambda _: b"SSH-2.0-x\r\n\r\n",
        lambda _: b"",
    ],
    ids=["64 KiB of headers", "no HTTP", "nothing"],
)
def test_what_is_no_http_is_no_answer(pki: LabPki, says: Says) -> None:
    found = visited(pki, says)
    assert (found.ended, found.saw, found.status) == ("cut", None, None)


def test_a_body_without_end_is_heard_for_as_long_as_was_said(pki: LabPki) -> None:
    async def go() -> tuple[Visit, float]:
        async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n")
            while True:
                writer.write(b"{")
                await asyncio.sleep(0.05)

        context = server_context(pki.issue("good.grade.test"), None)
        server = await asyncio.start_server(endless, "127.0.0.1", 0, ssl=context)
        began = time.monotonic()
        try:
            found = await asked(server.sockets[0].getsockname()[1], 1.0)
        finally:
            server.close()
            server.close_clients()
        return found, time.monotonic() - began

    found, seconds = asyncio.run(go())
    assert (found.ended, found.saw) == ("page", None)
    assert seconds < 20


@pytest.mark.parametrize(
    ("answer", "ended"), [(b"HTTP/1.1 403 Forbidden\r\n\r\n", "refused"), (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "refused")]
)  # fmt: skip
def test_a_proxys_no_to_connect_is_a_refusal(answer: bytes, ended: str) -> None:
    from detector.net.routes import Routing, parse_proxy

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async def go() -> Visit:
        async with peer(proxy) as port:
            options = ProbeOptions(
                timeout=2, routing=Routing(parse_proxy(f"http://127.0.0.1:{port}"))
            )
            found, _ = await visit(Visited("expired", "expired.grade.test", 443, PUBLIC), options)
            return found

    found = asyncio.run(go())
    assert (found.ended, found.chain) == (ended, ())


def test_nobody_there_is_no_refusal() -> None:
    async def go() -> Visit:
        return await asked(9)

    assert asyncio.run(go()).ended == "unreachable"


def test_silence_is_told(pki: LabPki) -> None:
    async def quiet(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        await reader.read(65536)

    handler: Handler = quiet

    async def go() -> Visit:
        async with peer(handler) as port:
            return await asked(port, 0.3)

    assert asyncio.run(go()).ended == "silence"
