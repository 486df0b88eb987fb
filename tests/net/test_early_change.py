"""A ChangeCipherSpec before there are keys: refused by who is well, met with silence by who has the fault."""

from __future__ import annotations

import asyncio

import pytest

from detector.causes.plan import plan
from detector.lab.graded.half_speaker import half_speaking
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from detector.model.targets import parse_target
from detector.net.early_change import takes_early_change
from detector.net.probe import ProbeOptions
from detector.wire.records import ALERT, encode_record
from tests.net.peers import Handler, peer, sends

ECDHE = (0xC02F, 0xC030)


def asked(port: int, timeout: float = 5.0) -> asyncio.Task[bool | None]:
    options = ProbeOptions(timeout=timeout, connect_to=("127.0.0.1", port))
    offer = plan("a.com", ())["tls12-only"]
    return asyncio.ensure_future(takes_early_change(offer, parse_target("a.com"), options))


def behind(handler: Handler, timeout: float = 5.0) -> bool | None:
    async def go() -> bool | None:
        async with peer(handler) as port:
            return await asked(port, timeout)

    return asyncio.run(go())


def greets(pki: LabPki, heard: list[bytes], then: bytes = b"") -> Handler:
    """Sends a server's flight of TLS 1.2 to its end, and `then`; keeps what comes behind the hello."""
    from detector.lab.graded.certificates import Mint

    speaking = half_speaking(Mint(pki).good("a.com"), ECDHE)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        speaker = speaking()
        speaker.take(await reader.read(65536))
        writer.write(speaker.out())
        heard.append(await reader.read(65536))
        if then:
            writer.write(then)
        heard.append(await reader.read(65536))

    return handler


def test_openssl_says_no(pki: LabPki) -> None:
    async def go() -> bool | None:
        async with Origin({"a.com": pki.issue("a.com")}) as origin:
            return await asked(origin.port)

    assert asyncio.run(go()) is False


def test_who_says_nothing_takes_it_and_nothing_more_is_sent(pki: LabPki) -> None:
    heard: list[bytes] = []
    assert behind(greets(pki, heard)) is True
    assert heard == [b"\x14\x03\x03\x00\x01\x01", b""] * 2


def test_who_sends_an_alert_is_well_and_is_not_asked_twice(pki: LabPki) -> None:
    heard: list[bytes] = []
    assert behind(greets(pki, heard, encode_record(ALERT, b"\x02\x0a"))) is False
    assert len(heard) == 2


@pytest.mark.parametrize(
    "handler", [sends(), sends(encode_record(ALERT, b"\x02\x46")), sends(b"HTTP/1.1 400 No\r\n\r\n")]
)  # fmt: skip
def test_who_does_not_come_to_that_tells_nothing(handler: Handler) -> None:
    assert behind(handler, 1.0) is None


def test_who_is_silent_from_the_start_tells_nothing() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        await reader.read(65536)

    assert behind(silent, 0.3) is None
