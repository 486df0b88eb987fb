"""The echo server tells each connection, signed, what it was; keeps nothing but labelled hellos for a minute; and bears floods."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from h2.config import H2Configuration
from h2.connection import H2Connection

from detector.echo.differences import first_flight
from detector.echo.sealed import opened
from detector.knowledge.browser_hellos import browser_hellos
from detector.lab.case import now
from detector.lab.origin import server_context
from detector.lab.pki import LabPki
from detector.model.echoes import ECHO_PATH
from detector.serving.echo import HTTP, Lately, Place, server_of
from detector.serving.front import Arrival, Limits
from detector.serving.speaker import OpenSslSpeaker
from detector.wire.hello import parse_client_hello
from detector.wire.offer import X25519, X25519MLKEM768, Material, Offer, client_hello, wire_form

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw().hex()
LABEL = "0123456789abcdef" * 2
# A key of ML-KEM whose coefficients are all below its modulus: OpenSSL 3.5 and later refuse another one.
KEM = bytes(1184) + b"k" * 32
MATERIAL = Material(b"r" * 32, b"s" * 32, {X25519: b"k" * 32, X25519MLKEM768: KEM})


@asynccontextmanager
async def serving(pki: LabPki, limits: Limits | None = None) -> AsyncGenerator[int]:
    context = server_context(pki.issue("echo.test", "*.echo.test"))
    context.set_alpn_protocols(list(HTTP))
    async with server_of(
        Place("127.0.0.1", 0), lambda: OpenSslSpeaker(context), KEY, browser_hellos(),
        limits or Limits(),
    ) as port:  # fmt: skip
        yield port


def trusting(pki: LabPki, *alpn: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=pki.root.pem)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


async def asked(pki: LabPki, port: int, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(verify=trusting(pki), trust_env=False) as client:
        there = f"https://127.0.0.1:{port}{path}"
        return await client.get(there, headers=headers, extensions={"sni_hostname": "echo.test"})


def labelled(label: str = LABEL) -> bytes:
    offer = Offer(sni=f"{label}.echo.test", alpn=("h2",))
    return b"".join(wire_form(offer, client_hello(offer, MATERIAL)))


def test_the_answer_is_signed_and_has_the_hello_the_agreement_and_the_headers(pki: LabPki) -> None:
    async def go() -> None:
        async with serving(pki) as port:
            found = await asked(pki, port, f"{ECHO_PATH}?nonce=n", **{"X-Odd-Case": "1"})
            echo = opened(found.content, PUBLIC, "n")
            assert first_flight(echo.flight).hello.sni == "echo.test"
            assert (echo.version, echo.http, echo.met) == ("TLSv1.3", "HTTP/1.1", ())
            assert ("X-Odd-Case", "1") in echo.headers
            assert found.headers["cache-control"] == "no-store"

    asyncio.run(go())


def test_a_hello_that_ends_with_the_servers_answer_is_told_by_its_label_alone(pki: LabPki) -> None:
    async def go() -> None:
        async with serving(pki) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(labelled())
            assert (await reader.readexactly(1)) == b"\x16"
            found = await asked(pki, port, f"{ECHO_PATH}?nonce=n&of={LABEL},{'f' * 32}")
            (met,) = opened(found.content, PUBLIC, "n").met
            assert (met.server, met.flight) == (LABEL, labelled())
            found = await asked(pki, port, f"{ECHO_PATH}?nonce=n&of={'0' * 32}")
            assert opened(found.content, PUBLIC, "n").met == ()
            writer.close()

    asyncio.run(go())


def arrival(label: str) -> Arrival:
    hello = client_hello(Offer(sni=f"{label}.echo.test"), MATERIAL)
    return Arrival("192.0.2.1", b"flight", (), b"", parse_client_hello(hello[4:]))


def test_labelled_hellos_are_gone_after_a_minute_and_never_more_than_so_many() -> None:
    moment: list[datetime] = [now()]
    lately = Lately(lambda: moment[0])
    lately.meet(arrival(LABEL))
    for _ in range(9):
        lately.meet(arrival(LABEL))
    assert len(lately.of(LABEL)) == 4
    lately.meet(arrival("no-label"))
    assert len(lately) == 1
    moment[0] += timedelta(seconds=61)
    assert lately.of(LABEL) == ()
    for number in range(5000):
        lately.meet(arrival(f"{number:032x}"))
    assert len(lately) == 4096
    assert lately.of(f"{0:032x}") == ()
    assert len(lately.of(f"{4999:032x}")) == 1


@pytest.mark.parametrize(
    ("path", "status"), [("/nothing", 404), (ECHO_PATH, 400), (f"{ECHO_PATH}?nonce={'x' * 65}", 400)]
)  # fmt: skip
def test_what_is_not_there_is_said_so(pki: LabPki, path: str, status: int) -> None:
    async def go() -> None:
        async with serving(pki) as port:
            assert (await asked(pki, port, path)).status_code == status

    asyncio.run(go())


def test_the_page_escapes_what_a_visitor_writes_and_runs_nothing(pki: LabPki) -> None:
    async def go() -> None:
        async with serving(pki) as port:
            bad = "<script>alert(1)</script>"
            found = await asked(pki, port, "/", **{"User-Agent": bad, "X-Bad": bad})
            assert found.status_code == 200
            assert "<script" not in found.text
            assert "&lt;script&gt;" in found.text
            assert "default-src 'none'" in found.text

    asyncio.run(go())


def test_the_page_names_a_product_by_its_header(pki: LabPki) -> None:
    async def go() -> None:
        async with serving(pki) as port:
            found = await asked(pki, port, "/", **{"X-BlueCoat-Via": "1"})
            assert "Rewritten by Blue Coat: it added its header to the request." in found.text

    asyncio.run(go())


def test_an_address_gets_so_many_connections_a_minute(pki: LabPki) -> None:
    async def go() -> None:
        async with serving(pki, Limits(a_minute=2)) as port:
            for _ in range(2):
                assert (await asked(pki, port, f"{ECHO_PATH}?nonce=n")).status_code == 200
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.read() == b""
            writer.close()

    asyncio.run(go())


def frame(kind: int, flags: int, stream: int, body: bytes = b"") -> bytes:
    return len(body).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + body


def settings() -> bytes:
    return frame(4, 0, 0) * 1000


def resets() -> bytes:
    talk = H2Connection(H2Configuration(client_side=True))
    talk.initiate_connection()
    talk.clear_outbound_data_buffer()
    for stream in range(1, 2001, 2):
        fields = [(":method", "GET"), (":path", "/"), (":scheme", "https"), (":authority", "a")]
        talk.send_headers(stream, fields, end_stream=True)
        talk.reset_stream(stream)
    return talk.data_to_send()


def continuations() -> bytes:
    return frame(1, 0, 1, b"\x82") + frame(9, 0, 1, b"\0" * 16000) * 60


def pings() -> bytes:
    return frame(6, 0, 0, b"12345678") * 1000


async def poured(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> None:
    """Again and again up to 4 MiB; whoever reads nothing waits for himself."""
    for _ in range((4 << 20) // len(data)):
        writer.write(data)
        await writer.drain()
        if not await asyncio.wait_for(reader.read(1 << 16), 15):
            raise EOFError


async def dripped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> None:
    """A byte at a time, then to the end."""
    for sign in data:
        writer.write(bytes((sign,)))
        await writer.drain()
        if reader.at_eof():
            raise EOFError
        await asyncio.sleep(0.05)
    if not await asyncio.wait_for(reader.read(), 30):
        raise EOFError


@pytest.mark.parametrize("flood", [settings, resets, continuations, pings])
def test_a_flood_of_frames_ends_its_own_connection_and_the_next_one_is_served(
    pki: LabPki, flood: Callable[[], bytes]
) -> None:
    async def go() -> None:
        async with serving(pki) as port:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=trusting(pki, "h2"), server_hostname="echo.test"
            )
            writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0))
            with pytest.raises((ConnectionError, EOFError, ssl.SSLError)):
                await poured(reader, writer, flood())
            writer.close()
            assert (await asked(pki, port, f"{ECHO_PATH}?nonce=n")).status_code == 200

    asyncio.run(go())


def test_a_hello_without_end_and_one_that_drips_are_cut_off(pki: LabPki) -> None:
    async def go() -> None:
        async with serving(pki) as port:
            # A hello that says it has 16 MiB, in records of 16 KiB.
            endless = b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + bytes(16380)
            more = b"\x16\x03\x01\x40\x00" + bytes(16384)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(endless + more * 8)
            with pytest.raises((ConnectionError, EOFError)):
                await dripped(reader, writer, b"")
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            begun = asyncio.get_running_loop().time()
            with pytest.raises((ConnectionError, EOFError)):
                await dripped(reader, writer, labelled())
            assert asyncio.get_running_loop().time() - begun < 50
            writer.close()

    asyncio.run(go())
