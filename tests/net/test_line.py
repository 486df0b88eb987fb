"""Lines sent one way: verified, shown before anything goes over them, and confirmed by how the connection ends."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from detector.errors import ConfigError, DialError
from detector.lab.loopback import Loopback
from detector.lab.origin import server_context
from detector.lab.pki import LabPki
from detector.model.observation import Observation
from detector.net.line import Line, LineTls, UntrustedError
from tests.agent.sample_events import NOON

PKI = LabPki()


class Reader(Loopback):
    """Reads everything, then ends the connection; or says something first."""

    got = b""
    says = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            self.got += data
        writer.write(self.says)
        writer.close()


def run(
    work: Callable[[Reader], Awaitable[object]], context: ssl.SSLContext | None, says: bytes = b""
) -> bytes:
    async def main() -> bytes:
        server = Reader(context)
        server.says = says
        async with server, asyncio.timeout(10):
            await work(server)
        return server.got

    return asyncio.run(main())


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    path = tmp_path / "root.pem"
    path.write_text(PKI.root.pem)
    return path


def secure() -> ssl.SSLContext:
    return server_context(PKI.issue("logs.example.com"), None)


async def told(
    server: Reader, tls: LineTls | None, look: Callable[[Observation], None] | None = None
) -> None:
    line = await Line.open(server.host, server.port, tls, look, now=lambda: NOON)
    try:
        await line.write(b"x" * 200_000)
        await line.finish()
    finally:
        line.close()


@pytest.mark.parametrize("in_tls", [True, False])
def test_what_is_finished_was_read(trust: Path, in_tls: bool) -> None:
    tls = LineTls("logs.example.com", trust) if in_tls else None
    got = run(lambda server: told(server, tls), secure() if in_tls else None)
    assert got == b"x" * 200_000


def test_the_connection_is_shown_before_anything_goes_over_it(trust: Path) -> None:
    seen: list[Observation] = []

    def refuse(one: Observation) -> None:
        seen.append(one)
        raise ConfigError("x", "somebody stands there")

    async def work(server: Reader) -> None:
        with pytest.raises(ConfigError):
            await told(server, LineTls("logs.example.com", trust), refuse)

    assert run(work, secure()) == b""
    assert seen[0].target.sni == "logs.example.com"
    assert seen[0].target.ip == "127.0.0.1"
    assert len(seen[0].chain) == 2


@pytest.mark.parametrize("name", ["other.example.com", "127.0.0.1"])
def test_a_certificate_of_another_name_is_not_trusted(trust: Path, name: str) -> None:
    async def work(server: Reader) -> None:
        with pytest.raises(UntrustedError, match="is not trusted"):
            await told(server, LineTls(name, trust))

    assert run(work, secure()) == b""


def test_a_peer_that_speaks_no_tls_is_told(trust: Path) -> None:
    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"SSH-2.0-OpenSSH_9\r\n")
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(garbage, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(DialError, match=r"TLS with 127\.0\.0\.1"):
            await Line.open("127.0.0.1", port, LineTls("logs.example.com", trust), now=lambda: NOON)
        server.close()

    asyncio.run(main())


def test_a_peer_that_talks_without_end_is_not_listened_to_for_ever() -> None:
    async def work(server: Reader) -> None:
        with pytest.raises(DialError, match="talks without end"):
            await told(server, None)

    run(work, None, says=b"y" * (3 << 20))


def test_files_that_are_none_are_an_error_of_the_settings(tmp_path: Path, trust: Path) -> None:
    missing = tmp_path / "missing.pem"

    async def work(server: Reader) -> None:
        for tls in (
            LineTls("logs.example.com", missing),
            LineTls("logs.example.com", trust, (missing, missing)),
            LineTls("logs.example.com", trust, (trust, trust)),
        ):
            with pytest.raises(ConfigError):
                await told(server, tls)

    run(work, secure())


def test_a_key_behind_a_password_is_an_error_and_asks_nobody(tmp_path: Path, trust: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    made = PKI.issue("agent.example.com")
    locked = made.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    path = tmp_path / "pair.pem"
    path.write_bytes(locked + made.chain_pem.encode())

    async def work(server: Reader) -> None:
        with pytest.raises(ConfigError, match="no client certificate"):
            await told(server, LineTls("logs.example.com", trust, (path, path)))

    run(work, secure())
