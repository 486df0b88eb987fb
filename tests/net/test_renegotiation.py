"""A client's wish to renegotiate: taken by OpenSSL where it is told to, refused where it is not."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions
from detector.net.renegotiation import lets_renegotiate
from detector.wire.records import ALERT, encode_record
from tests.net.peers import Handler, peer, sends


async def asked(port: int, timeout: float = 20.0) -> bool | None:
    options = ProbeOptions(timeout=timeout, connect_to=("127.0.0.1", port))
    return await lets_renegotiate(parse_target("a.com"), options)


@contextmanager
def s_server(pki: LabPki, folder: Path, *more: str) -> Iterator[int]:
    """OpenSSL's own server on a port that it chooses."""
    credential = pki.issue("a.com")
    path = folder / "a.pem"
    path.write_text(credential.key_pem + credential.chain_pem)
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", str(path), "-key", str(path), *more]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        try:
            assert run.stdout is not None
            ready = next(line for line in run.stdout if line.startswith("ACCEPT "))
            yield int(ready.rpartition(":")[2])
        finally:
            run.terminate()


def test_openssl_that_is_told_to_lets_clients_renegotiate(pki: LabPki, tmp_path: Path) -> None:
    with s_server(pki, tmp_path, "-tls1_2", "-client_renegotiation") as port:
        assert asyncio.run(asked(port)) is True


@pytest.mark.parametrize("more", [(), ("-no_renegotiation",)])
def test_openssl_by_itself_says_no(pki: LabPki, tmp_path: Path, more: tuple[str, ...]) -> None:
    with s_server(pki, tmp_path, *more) as port:
        assert asyncio.run(asked(port)) is False


def test_pythons_server_says_no(pki: LabPki) -> None:
    async def go() -> bool | None:
        async with Origin({"a.com": pki.issue("a.com")}) as origin:
            return await asked(origin.port)

    assert asyncio.run(go()) is False


def test_who_speaks_tls13_alone_is_not_asked(pki: LabPki, tmp_path: Path) -> None:
    with s_server(pki, tmp_path, "-tls1_3") as port:
        assert asyncio.run(asked(port)) is None


async def _endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"\x17\x03\x03\x40\x00" + b"\0" * 0x4000)
        await writer.drain()


async def _silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    while await reader.read(65536):
        pass


@pytest.mark.parametrize(
    "handler",
    [sends(), sends(encode_record(ALERT, b"\x02\x46")), sends(b"HTTP/1.1 400 No\r\n\r\n"), _endless, _silent],
)  # fmt: skip
def test_who_makes_no_handshake_tells_nothing(handler: Handler) -> None:
    async def go() -> bool | None:
        async with peer(handler) as port:
            return await asked(port, 1.0)

    assert asyncio.run(go()) is None
