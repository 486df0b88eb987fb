"""One hello, and every way in which a peer can take it."""

from __future__ import annotations

import asyncio
import time

import pytest

from detector.causes.plan import plan
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from detector.model.inquiry import Trial
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions
from detector.net.trial import Keys, Patience, attempt
from detector.wire.records import ALERT, encode_record
from tests.net.peers import Handler, peer, sends


def tried(handler: Handler, timeout: float = 1.0) -> Trial:
    async def run() -> Trial:
        async with peer(handler) as port:
            options = ProbeOptions(timeout=timeout, connect_to=("127.0.0.1", port))
            offer = plan("a.com", ())["plain"]
            return await attempt(
                "plain", offer, parse_target("a.com"), options, Patience(timeout), Keys()
            )

    return asyncio.run(run())


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize(
    ("handler", "outcome"),
    [
        (sends(encode_record(ALERT, b"\x02\x28")), "alert"),
        (sends(), "closed"),
        (sends(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "not-tls"),
        (sends(b"\x16\x03\x03\xff\xff"), "malformed"),
        (silent, "silent"),
    ],
)
def test_a_peers_way_of_taking_a_hello_is_told(handler: Handler, outcome: str) -> None:
    found = tried(handler, 0.3)
    assert found.outcome == outcome
    assert found.size == len(found.sent) > 200


def test_what_the_server_chose_is_told(pki: LabPki) -> None:
    async def run() -> Trial:
        async with Origin({"a.com": pki.issue("a.com")}) as origin:
            options = ProbeOptions(connect_to=("127.0.0.1", origin.port))
            offer = plan("a.com", ("h2", "http/1.1"))["plain"]
            return await attempt(
                "plain", offer, parse_target("a.com"), options, Patience(2), Keys()
            )

    found = asyncio.run(run())
    assert (found.version, found.alpn, len(found.chain)) == (0x0304, "http/1.1", 2)
    assert found.cipher == 0x1302
    assert found.authorities is None
    assert [kind for kind, _ in found.messages] == [2, 8, 11, 15, 20]


def test_a_port_that_refuses_is_unreachable() -> None:
    async def run() -> Trial:
        options = ProbeOptions(connect_to=("127.0.0.1", 1), timeout=1)
        offer = plan("a.com", ())["plain"]
        return await attempt("plain", offer, parse_target("a.com"), options, Patience(1), Keys())

    assert asyncio.run(run()).outcome == "unreachable"


def test_silence_is_waited_for_less_once_somebody_answered() -> None:
    async def run() -> float:
        patience = Patience(100)
        async with peer(silent) as port:
            options = ProbeOptions(timeout=100, connect_to=("127.0.0.1", port))
            offer = plan("a.com", ())["plain"]
            start = time.monotonic()
            waiting = asyncio.create_task(
                attempt("plain", offer, parse_target("a.com"), options, patience, Keys())
            )
            await asyncio.sleep(0.1)
            patience.answered(0.001)
            assert (await waiting).outcome == "silent"
            return time.monotonic() - start

    assert asyncio.run(run()) < 50


def test_nobody_is_asked_further_once_all_patience_is_gone() -> None:
    patience = Patience(0)
    assert patience.exhausted
    patience.answered(0.0)
    assert not patience.exhausted
