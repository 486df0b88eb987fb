"""Does a server prove its name? Real servers, honest and not."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from detector import clock
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from detector.net.own_name import NameProof, prove_name
from detector.net.verifying import verifying_context
from tests.net.peers import peer

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def context(pki: LabPki, tmp_path: Path) -> ssl.SSLContext:
    path = tmp_path / "root.pem"
    path.write_text(pki.root.pem)
    return verifying_context(path)


def proof(pki: LabPki, context: ssl.SSLContext, name: str) -> NameProof:
    async def run() -> NameProof:
        async with Origin({"bank.test": pki.issue("bank.test")}) as origin:
            return await prove_name(name, "127.0.0.1", origin.port, context)

    return asyncio.run(run())


def test_a_certificate_for_the_name_proves_it(pki: LabPki, context: ssl.SSLContext) -> None:
    found = proof(pki, context, "bank.test")
    assert (found.state, len(found.key), found.why) == ("proven", 64, "")


def test_a_certificate_for_another_name_or_of_a_stranger_refutes_it(
    pki: LabPki, context: ssl.SSLContext
) -> None:
    found = proof(pki, context, "other.test")
    assert (found.state, "not valid for 'other.test'" in found.why) == ("refuted", True)
    found = proof(LabPki(), context, "bank.test")
    assert (found.state, "local issuer" in found.why) == ("refuted", True)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def cutting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def flooding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"\x16\x03\x03\x40\x00" + b"\x01\x00\x3f\xfc" + bytes(0x3FFC))
        await writer.drain()


async def speaking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example ESMTP\r\n")
    await writer.drain()


@pytest.mark.parametrize("serve", [silent, cutting, flooding, speaking])
def test_whoever_makes_no_handshake_proves_nothing_and_costs_its_seconds(
    context: ssl.SSLContext, serve: Serve
) -> None:
    async def run() -> NameProof:
        async with peer(serve) as port:
            return await prove_name("bank.test", "127.0.0.1", port, context, seconds=1.0)

    began = clock.stopwatch()
    found = asyncio.run(run())
    assert (found.state, bool(found.why)) == ("unknown", True)
    assert clock.stopwatch() - began < 20


def test_a_closed_port_proves_nothing(context: ssl.SSLContext) -> None:
    found = asyncio.run(prove_name("bank.test", "127.0.0.1", 1, context))
    assert (found.state, "refuses the connection" in found.why) == ("unknown", True)
