"""The small HTTP server, asked over real sockets: well, badly, slowly, and by other people's pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from detector.errors import ConfigError
from detector.net import answering
from detector.net.answering import Asked, Reply, is_loopback, listen_address, serve


async def echo(asked: Asked) -> Reply:
    if asked.path == "/fault":
        raise RuntimeError("of one request")
    return Reply(200, f"{asked.path} {sorted(asked.query.items())}".encode())


@asynccontextmanager
async def serving(**more: object) -> AsyncIterator[int]:
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve("127.0.0.1:0", echo, ready=port.set_result, **more))  # type: ignore[arg-type]
    try:
        yield await asyncio.wait_for(port, 5)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def said(*requests: bytes, **more: object) -> bytes:
    """All that comes over one connection."""

    async def ask() -> bytes:
        async with serving(**more) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for request in requests:
                writer.write(request)
            writer.write_eof()
            found = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            return found

    return asyncio.run(ask())


def get(path: str, host: str = "127.0.0.1:9219", more: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode()


def test_path_and_parameters_are_read_and_the_first_of_two_counts() -> None:
    answer = said(get("/probe?target=a%2Eexample:443&module=x&module=y"))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"/probe [('module', 'x'), ('target', 'a.example:443')]")


def test_several_requests_are_answered_on_one_connection() -> None:
    assert said(get("/a"), get("/b")).count(b"HTTP/1.1 200 OK") == 2


def test_head_has_no_body() -> None:
    answer = said(b"HEAD /a HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"200 OK" in answer
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (b"POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx", b"405"),
        (get("/a", more="Content-Length: 3\r\n") + b"abc", b"400"),
        (get("/a", more="Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n", b"400"),
        (get("/a", host="attacker.example"), b"421"),
        (get("/a", host="localhost.attacker.example:9219"), b"421"),
        (get("/a", host=""), b"421"),
        (get("/a", more="Sec-Fetch-Site: cross-site\r\n"), b"403"),
        (b"GET /a HTTP/1.1\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
        (get("/a", more=f"X: {'a' * 40000}\r\n"), b"400"),
        (get("/fault"), b"500"),
        (get("http://[/"), b"400"),
    ],
)
def test_what_is_no_plain_question_of_this_machines_is_refused(
    request_: bytes, code: bytes
) -> None:
    assert said(request_).startswith(b"HTTP/1.1 " + code)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:1", "[::1]:9219", "192.0.2.7:9219", "Scrape.Example"]
)
def test_addresses_and_own_names_are_answered(host: str) -> None:
    assert said(get("/a", host=host), names=("scrape.example",)).startswith(b"HTTP/1.1 200")


def test_more_connections_than_allowed_are_closed_unread() -> None:
    async def ask() -> bytes:
        async with serving(most=1) as port:
            _, first = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(0.05)
            reader, second = await asyncio.open_connection("127.0.0.1", port)
            second.write(get("/a"))
            found = b""
            with suppress(ConnectionError):
                found = await asyncio.wait_for(reader.read(), 5)
            first.close()
            second.close()
            return found

    assert asyncio.run(ask()) == b""


def test_who_never_ends_a_request_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "_TO_ASK", 0.1)

    async def ask() -> bytes:
        async with serving() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /a HTTP/1.1\r\n")
            found = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            return found

    assert asyncio.run(ask()) == b""


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    async def ask() -> None:
        async with serving() as port:
            await serve(f"127.0.0.1:{port}", echo)

    with pytest.raises(ConfigError, match="cannot listen there"):
        asyncio.run(ask())


def test_addresses_to_listen_at() -> None:
    assert listen_address("127.0.0.1:9219") == ("127.0.0.1", 9219)
    assert listen_address("[::]:0") == ("::", 0)
    assert [is_loopback(one) for one in ("localhost", "127.0.0.9", "::1", "0.0.0.0", "10.0.0.1")] == [
        True, True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "9219", ":9219", "a.example:1", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:x", "[::1"],
)
def test_what_is_no_address_to_listen_at_is_said(text: str) -> None:
    with pytest.raises(ConfigError, match="listen"):
        listen_address(text)
