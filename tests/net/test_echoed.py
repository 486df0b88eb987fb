"""The client against real echo servers, honest and lying, and its relay."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detector.knowledge.browser_hellos import browser_hellos
from detector.lab.origin import server_context
from detector.lab.pki import LabPki
from detector.net.echoed import MADE_BY_HAND, EchoServer, by_program, made_by_hand, own_handshake
from detector.net.probe import ProbeOptions
from detector.serving.conversation import Reply
from detector.serving.echo import HTTP, Place, server_of
from detector.serving.front import Entrance, Limits, front
from detector.serving.speaker import OpenSslSpeaker

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw().hex()


@asynccontextmanager
async def serving(pki: LabPki, *alpn: str) -> AsyncGenerator[ProbeOptions]:
    context = server_context(pki.issue("echo.test"))
    context.set_alpn_protocols(list(alpn or HTTP))
    async with server_of(
        Place("127.0.0.1", 0), lambda: OpenSslSpeaker(context), KEY, browser_hellos(), Limits()
    ) as port:
        yield ProbeOptions(connect_to=("127.0.0.1", port), timeout=5)


@pytest.mark.parametrize("alpn", [(), ("h2",)])
def test_our_own_handshake_is_echoed_byte_for_byte_over_either_http(
    pki: LabPki, alpn: tuple[str, ...]
) -> None:
    async def go() -> None:
        async with serving(pki, *alpn) as options:
            found, seen = await own_handshake(EchoServer("echo.test", 443, PUBLIC), options)
            assert found.sent is not None
            assert found.arrived == found.sent
            assert found.echo is not None
            assert (found.echo.http, found.key) == ("HTTP/2" if alpn else "HTTP/1.1", PUBLIC)
            assert seen.handshake is not None

    asyncio.run(go())


def test_hellos_made_by_hand_are_asked_for_by_their_labels(pki: LabPki) -> None:
    async def go() -> None:
        async with serving(pki) as options:
            found = await made_by_hand(EchoServer("echo.test", 443, PUBLIC), options)
            assert [one.client for one in found] == list(MADE_BY_HAND)
            for one in found:
                assert one.sent is not None
                assert one.arrived == one.sent
            assert len(found[-1].sent.records if found[-1].sent else ()) == 2
            # An address has no room for a label.
            assert await made_by_hand(EchoServer("127.0.0.1", 443, PUBLIC), options) == []

    asyncio.run(go())


def test_another_key_is_no_answer_and_no_key_takes_the_one_that_comes(pki: LabPki) -> None:
    async def go() -> None:
        async with serving(pki) as options:
            wrong, _ = await own_handshake(EchoServer("echo.test", 443, "00" * 32), options)
            assert wrong.arrived is None
            assert "another key" in wrong.why
            none, _ = await own_handshake(EchoServer("echo.test", 443, None), options)
            assert none.key == PUBLIC
            assert none.arrived == none.sent

    asyncio.run(go())


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[" * 5000, json.dumps({"schema": "x", "key": "zz"}).encode(), b"x" * (700 << 10)],
)  # fmt: skip
@pytest.mark.parametrize("key", [PUBLIC, None], ids=["known", "unknown"])
def test_what_is_no_echo_is_told_so(pki: LabPki, body: bytes, key: str | None) -> None:
    async def go() -> None:
        context = server_context(pki.issue("echo.test"))
        entrance = Entrance("", lambda: OpenSslSpeaker(context))
        async with front("127.0.0.1", 0, lambda _: entrance, lambda *_: Reply(200, body)) as port:
            options = ProbeOptions(connect_to=("127.0.0.1", port), timeout=5)
            found, _ = await own_handshake(EchoServer("echo.test", 443, key), options)
            assert found.sent is not None
            assert (found.arrived, found.echo) == (None, None)
            assert found.why

    asyncio.run(go())


def test_a_program_that_comes_to_nobody_is_told_why(pki: LabPki) -> None:
    async def go() -> None:
        async def run(port: int, _path: str) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.read() == b""
            writer.close()
            return b""

        options = ProbeOptions(connect_to=("127.0.0.1", 9), timeout=1)
        found = await by_program("curl", EchoServer("echo.test", 443, PUBLIC), options, run)
        assert found.sent is None
        assert "refuses the connection" in found.why

    asyncio.run(go())
