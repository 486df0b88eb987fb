"""A name with two addresses, and a server that offers HTTP/3: gateways that know one way alone show."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from detector.known.knowledge import Knowledge
from detector.lab.origin import Origin
from detector.lab.pki import Authority, Credential, LabPki
from detector.model.observation import Judgement
from detector.model.targets import parse_target
from detector.net.other_ways import offered_http3, with_other_ways
from detector.net.probe import ProbeOptions, probe
from detector.runs.check import CheckRun
from detector.runs.saved import encode_observation, read_observations

HOST = "both.test"


@pytest.fixture
def two_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that knows HOST under both families; what is dialled is real."""
    genuine = socket.getaddrinfo

    def resolver(host: str, port: int, *rest: object, **how: object) -> object:
        if host != HOST:
            return genuine(host, port, *rest, **how)  # type: ignore[arg-type]
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)


@pytest.mark.parametrize(
    ("answer", "port"),
    [
        (b'HTTP/1.1 200 OK\r\nAlt-Svc: h3=":443"; ma=86400, h3-29=":444"\r\n\r\n', 443),
        (b'HTTP/1.1 200 OK\r\nalt-svc: h2=":1", h3="a.com:99"\r\n\r\n', 99),
        (b'HTTP/1.1 200 OK\r\nalt-svc: h2=":1"\r\nalt-svc: h3=":98"\r\n\r\n', 98),
        (b"HTTP/1.1 200 OK\r\nalt-svc: clear\r\n\r\n", None),
        (b'HTTP/1.1 200 OK\r\nalt-svc: h3="b.com:443"\r\n\r\n', None),
        (b'HTTP/1.1 200 OK\r\nalt-svc: h3-29=":443", xh3=":443"\r\n\r\n', None),
        (b'HTTP/1.1 200 OK\r\nalt-svc: h3=":0"\r\nalt-svc: h3=":65536"\r\n\r\n', None),
        (b'HTTP/1.1 200 OK\r\n\r\nalt-svc: h3=":443"\r\n', None),
        (b"\xff\xfe", None),
    ],
)
def test_an_offer_of_http3_is_read_from_the_head(answer: bytes, port: int | None) -> None:
    assert offered_http3(answer, "a.com") == port


class Offering(Origin):
    """An origin whose answers offer HTTP/3 at a port."""

    offer = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            head = f'HTTP/1.1 200 OK\r\nAlt-Svc: h3=":{self.offer}"\r\nContent-Length: 0\r\n\r\n'
            writer.write(head.encode())
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def http3(folder: Path, credential: Credential) -> AsyncIterator[int]:
    """A QUIC server of aioquic; its port."""
    from aioquic.asyncio.server import serve
    from aioquic.quic.configuration import QuicConfiguration

    how = QuicConfiguration(is_client=False, alpn_protocols=["h3"])
    pem = credential.write(folder / "quic.pem")
    how.load_cert_chain(pem, pem)
    server = await serve("127.0.0.1", 0, configuration=how)
    try:
        yield server._transport.get_extra_info("sockname")[1]
    finally:
        server.close()


async def checked(known: Knowledge, port: int, host: str = HOST) -> Judgement:
    session = CheckRun(known, ProbeOptions(timeout=20), other_ways=True)
    (found,) = [one async for one in session.run([parse_target(f"{host}:{port}")])]
    return found


def ways(found: Judgement) -> dict[str, str]:
    told: Sequence[dict[str, str]] = [
        e.details["ways"] for e in found.evidence if e.id == "ways-differ"
    ]
    return told[0] if told else {}


@pytest.mark.live
@pytest.mark.usefixtures("two_addresses")
@pytest.mark.parametrize("gateway", [True, False])
def test_a_gateway_that_knows_ipv4_alone_shows(
    pki: LabPki, corporate: Authority, gateway: bool
) -> None:
    genuine = pki.issue(HOST)
    at_v4 = corporate.issue(HOST) if gateway else genuine

    async def run() -> Judgement:
        async with AsyncExitStack() as stack:
            four = await stack.enter_async_context(Origin({HOST: at_v4}, "127.0.0.1"))
            six = Origin({HOST: genuine}, "::1")
            six.port = four.port
            await stack.enter_async_context(six)
            return await checked(pki.knowledge(), four.port)

    found = asyncio.run(run())
    (other,) = found.observation.other_ways
    assert {found.observation.target.ip, other.ip} == {"127.0.0.1", "::1"}
    assert bool(ways(found)) == gateway
    (again,) = read_observations(encode_observation(found.observation))
    assert again == found.observation


@pytest.mark.live
@pytest.mark.parametrize("gateway", [True, False])
def test_a_gateway_that_knows_tcp_alone_shows(
    pki: LabPki, corporate: Authority, tmp_path: Path, gateway: bool
) -> None:
    genuine = pki.issue("127.0.0.1")
    shown = genuine
    if gateway:
        leaf = corporate.issue("127.0.0.1")
        shown = replace(leaf, above=(corporate.certificate,))

    async def run() -> Judgement:
        async with http3(tmp_path, genuine) as udp, Offering({HOST: shown}) as origin:
            origin.offer = udp
            return await checked(pki.knowledge(), origin.port, "127.0.0.1")

    found = asyncio.run(run())
    (other,) = found.observation.other_ways
    assert (other.way, other.chain) == ("http3", genuine.chain)
    assert ways(found) == ({"http3": "127.0.0.1"} if gateway else {})


@pytest.mark.live
def test_a_host_without_other_ways_shows_none(pki: LabPki) -> None:
    async def run() -> Judgement:
        async with Origin({HOST: pki.issue("127.0.0.1")}) as origin:
            return await checked(pki.knowledge(), origin.port, "127.0.0.1")

    assert asyncio.run(run()).observation.other_ways == ()


@pytest.mark.live
@pytest.mark.parametrize("kind", ["silence", "noise", "echo"])
def test_what_is_no_quic_ends_with_the_time(
    pki: LabPki, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    class Udp(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.DatagramTransport)
            self.transport = transport

        def datagram_received(self, data: bytes, addr: object) -> None:
            if kind != "silence":
                for size in (1, 20, 300, 1200):
                    made = data[:size] if kind == "echo" else os.urandom(size)
                    self.transport.sendto(made, addr)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Udp, local_addr=("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        async with Offering({HOST: pki.issue("127.0.0.1")}) as origin:
            origin.offer = port
            target = parse_target(f"127.0.0.1:{origin.port}")
            options = ProbeOptions(timeout=0.7)
            seen = await with_other_ways(await probe(target, options), options)
            assert seen.other_ways == ()
        transport.close()

    asyncio.run(run())
    assert "Traceback" not in capfd.readouterr().err
