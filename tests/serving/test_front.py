"""The front keeps the hello, lets it choose the server, and tells both HTTPs what it saw."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import h11
import httpx
import pytest

from detector.errors import ConfigError
from detector.lab.origin import server_context
from detector.lab.pki import LabPki
from detector.serving import front as module
from detector.serving.conversation import Reply, Request
from detector.serving.front import Arrival, Entrance, Limits, by_name, front
from detector.serving.speaker import OpenSslSpeaker
from detector.wire.hello import parse_client_hello
from detector.wire.records import HandshakeReader, RecordReader

SEEN: list[tuple[Arrival, Request]] = []


def answer(arrival: Arrival, request: Request) -> Reply:
    SEEN.append((arrival, request))
    return Reply(200, b"seen\n", headers=(("X-Label", arrival.label),))


@asynccontextmanager
async def serving(pki: LabPki, limits: Limits | None = None) -> AsyncGenerator[int]:
    context = server_context(pki.issue("one.test", "two.test"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    servers = {
        "one.test": Entrance("one", lambda: OpenSslSpeaker(context)),
        "two.test": Entrance("two", lambda: OpenSslSpeaker(context)),
        "mute.test": Entrance("mute", None),
    }
    SEEN.clear()
    async with front("127.0.0.1", 0, by_name(servers), answer, limits) as port:
        yield port


def trusting(pki: LabPki) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=pki.root.pem)


@pytest.mark.parametrize("http2", [False, True])
def test_both_http_are_answered_and_their_headers_are_as_they_were_written(
    pki: LabPki, http2: bool
) -> None:
    async def go() -> None:
        async with serving(pki) as port, httpx.AsyncClient(
            verify=trusting(pki), http2=http2, trust_env=False
        ) as client:  # fmt: skip
            for _ in range(3):
                there = f"https://127.0.0.1:{port}/path"
                found = await client.get(
                    there, headers={"X-Odd-Case": "1"}, extensions={"sni_hostname": "two.test"}
                )
                assert (found.text, found.headers["x-label"]) == ("seen\n", "two")
        arrival, request = SEEN[-1]
        assert request.http == ("HTTP/2" if http2 else "HTTP/1.1")
        assert (("x-odd-case" if http2 else "X-Odd-Case"), "1") in request.headers
        assert (arrival.agreed.version, arrival.agreed.alpn) == (
            "TLSv1.3", "h2" if http2 else "http/1.1",
        )  # fmt: skip
        assert arrival.agreed.group
        assert arrival.syn[:1] == b"\x45"
        (record,) = RecordReader().feed(arrival.flight)
        (message,) = HandshakeReader().feed(record.payload)
        assert parse_client_hello(message.body) == arrival.hello

    asyncio.run(go())


def test_a_name_without_a_server_gets_an_alert_and_noise_gets_nothing(pki: LabPki) -> None:
    async def go() -> None:
        async with serving(pki) as port:
            for name in ("mute.test", "else.test"):
                with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
                    await asyncio.open_connection(
                        "127.0.0.1", port, ssl=trusting(pki), server_hostname=name
                    )
            for noise in (
                b"GET / HTTP/1.1\r\n\r\n",
                b"\x16\x03\x01\xff\xff",
                b"\x16\x03\x01\0\4\2\0\0\0",
            ):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(noise)
                assert await reader.read() == b""
                writer.close()

    asyncio.run(go())


def test_a_body_ends_the_connection_and_the_next_one_is_served(pki: LabPki) -> None:
    async def go() -> None:
        async with serving(pki) as port:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=trusting(pki), server_hostname="one.test"
            )
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
            await reader.read()
            writer.close()
            talk = h11.Connection(h11.CLIENT)
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=trusting(pki), server_hostname="one.test"
            )
            writer.write(
                talk.send(h11.Request(method="GET", target="/", headers=[("Host", "a")])) or b""
            )
            assert b"200" in await reader.readline()
            writer.close()

    asyncio.run(go())


def test_one_address_gets_so_many_connections_and_no_more(
    pki: LabPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TO_GREET", 600)  # who says nothing is not left for that

    async def go() -> None:
        async with serving(pki, Limits(most_of_one=2)) as port:
            held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            async with asyncio.timeout(60):
                assert await reader.read() == b""
            for one in (*[w for _, w in held], writer):
                one.close()

    asyncio.run(go())


def test_a_port_that_is_taken_is_told_in_one_line(pki: LabPki) -> None:
    async def go() -> None:
        async with serving(pki) as port:
            with pytest.raises(ConfigError, match="cannot listen there"):
                async with front("127.0.0.1", port, by_name({}), answer):
                    pass

    asyncio.run(go())
