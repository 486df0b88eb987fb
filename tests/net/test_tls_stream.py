"""TLS to the proxy, against a real TLS server on loopback."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from detector.errors import ProxyError
from detector.lab.loopback import Loopback
from detector.lab.origin import server_context
from detector.lab.pki import Authority, Credential, LabPki
from detector.net.stream import connect, resolve
from detector.net.tls_stream import TlsStream


class Echo(Loopback):
    """Sends back what it is sent, in the end more than one record."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


class Garbage(Loopback):
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"SSH-2.0-OpenSSH\r\n" if self.host == "127.0.0.1" else b"")
        writer.close()


async def dialled(server: Loopback, trust: Path, name: str = "127.0.0.1") -> TlsStream:
    outer = await connect(await resolve(server.host, server.port))
    inner = TlsStream(outer, name, trust)
    try:
        await inner.shake_hands()
    except BaseException:
        inner.close()
        raise
    return inner


def against(credential: Credential | None, talk: Callable[[Loopback], Awaitable[object]]) -> object:
    async def run() -> object:
        server = Echo(server_context(credential, None)) if credential else Garbage(None)
        async with server:
            return await talk(server)

    return asyncio.run(run())


@pytest.fixture
def trust(tmp_path: Path, pki: LabPki) -> Path:
    path = tmp_path / "roots.pem"
    path.write_text(pki.root.pem)
    return path


def test_bytes_go_through_in_both_directions(pki: LabPki, trust: Path) -> None:
    async def talk(server: Loopback) -> bytes:
        stream = await dialled(server, trust)
        sent = bytes(range(256)) * 300  # more than four records
        await stream.write(sent)
        received = b""
        while len(received) < len(sent):
            received += await stream.read()
        stream.close()
        assert received == sent
        return received

    against(pki.issue("127.0.0.1"), talk)


@pytest.mark.parametrize("which", ["name", "issuer"])
def test_a_certificate_that_is_not_trusted_is_the_proxys(
    pki: LabPki, trust: Path, which: str
) -> None:
    bad = pki.issue("b.example") if which == "name" else Authority("Other").issue("127.0.0.1")
    with pytest.raises(ProxyError, match="proxy's own certificate") as caught:
        against(bad, lambda server: dialled(server, trust))
    assert (caught.value.fault, caught.value.cause) == ("certificate", "proxy-certificate")


def test_a_proxy_that_speaks_no_tls_is_named(trust: Path) -> None:
    with pytest.raises(ProxyError, match="does not speak TLS on that port: SSH") as caught:
        against(None, lambda server: dialled(server, trust))
    assert caught.value.fault == "scheme"


def test_the_end_of_the_outer_connection_is_an_end_inside(pki: LabPki, trust: Path) -> None:
    async def talk(server: Loopback) -> None:
        stream = await dialled(server, trust)
        await stream.write(b"x")
        assert await stream.read() == b"x"
        for writer in tuple(server._clients):
            writer.close()
        assert await stream.read() == b""
        stream.close()

    against(pki.issue("127.0.0.1"), talk)


def test_an_alert_of_the_outer_layer_is_a_reset_inside(pki: LabPki, trust: Path) -> None:
    """A proxy that wants a client's certificate says so after TLS 1.3's handshake."""
    context = server_context(pki.issue("127.0.0.1"), None)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(trust)

    async def run(port: int) -> None:
        outer = await connect(await resolve("127.0.0.1", port))
        stream = TlsStream(outer, "127.0.0.1", trust)
        try:
            await stream.shake_hands()
            with pytest.raises(ConnectionResetError, match="certificate required"):
                await stream.read()
        finally:
            stream.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=_refuse, args=(listening, context))
        serving.start()
        asyncio.run(run(listening.getsockname()[1]))
        serving.join()


def _refuse(listening: socket.socket, context: ssl.SSLContext) -> None:
    """Servers of asyncio close without the alert."""
    taken, _ = listening.accept()
    with suppress(ssl.SSLError), taken, context.wrap_socket(taken, server_side=True):
        pass
