"""One question over plain HTTP, to servers of all kinds and to none."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing, suppress

import pytest

from detector.net.plain_http import MOST, PlainAnswer, ask_plainly
from detector.net.routes import Routing, parse_proxy


async def _asked(answer: bytes, seconds: float, *, hold: bool) -> PlainAnswer:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            if hold:
                await reader.read()  # until the other side leaves
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        return await ask_plainly(f"http://127.0.0.1:{port}/x", Routing(), seconds)
    finally:
        server.close()
        await server.wait_closed()


def asked(answer: bytes, seconds: float = 10, *, hold: bool = False) -> PlainAnswer:
    return asyncio.run(_asked(answer, seconds, hold=hold))


def test_what_is_answered_is_told_and_nothing_is_followed() -> None:
    found = asked(
        b"HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\nContent-Length: 2\r\n\r\nhi"
    )
    assert found == PlainAnswer(302, "http://login.example/", b"hi")


def test_a_proxy_is_asked_for_all_of_the_url_with_its_login_and_no_name_is_resolved_here() -> None:
    heard: list[bytes] = []

    async def go() -> PlainAnswer:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            proxy = parse_proxy(f"http://u:p%40ss@127.0.0.1:{port}")
            return await ask_plainly("http://x.invalid/a?b=c#d", Routing(proxy), 10)

    assert asyncio.run(go()) == PlainAnswer(204)
    lines = heard[0].decode().split("\r\n")
    assert lines[0] == "GET http://x.invalid/a?b=c HTTP/1.1"
    assert "Host: x.invalid" in lines
    assert "Proxy-Authorization: Basic dTpwQHNz" in lines


def test_no_content_is_an_answer() -> None:
    assert asked(b"HTTP/1.1 204 No Content\r\n\r\n") == PlainAnswer(204)


def test_of_a_body_without_end_the_beginning_is_read() -> None:
    found = asked(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000, hold=True)
    assert (found.status, len(found.body)) == (200, MOST)


@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0-OpenSSH_9\r\n", b"\x15\x03\x01\x00\x02\x02\x28", b"HTTP/1.1 2"]
)
def test_what_is_no_http_is_broken(answer: bytes) -> None:
    assert asked(answer) == PlainAnswer(failure="broken")


def test_a_server_that_says_nothing_is_silent() -> None:
    assert asked(b"", 0.5, hold=True) == PlainAnswer(failure="silent")


def test_a_closed_port_refuses_and_a_name_of_nobody_is_none() -> None:
    with closing(socket.socket()) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        found = asyncio.run(ask_plainly(f"http://127.0.0.1:{port}/", Routing(), 10))
    assert found == PlainAnswer(failure="refused")
    assert asyncio.run(ask_plainly("http://x..example/", Routing(), 10)).failure in (
        "no-name",
        "broken",
    )
