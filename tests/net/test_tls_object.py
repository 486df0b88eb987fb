"""What Python's ssl knows, in IANA's words."""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import replace

import pytest

from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from detector.model.observation import Handshake
from detector.model.targets import parse_target
from detector.net import tls_object
from detector.net.probe import ProbeOptions, probe
from detector.wire.suites import names, suite_name
from detector.wire.transcript import read_transcript
from tests.net.peers import probed, sends
from tests.net.test_probe import server_hello


def test_every_name_of_openssls_is_a_name_of_ianas() -> None:
    codes = tls_object._codes()
    assert len(codes) > 40
    assert {code for code in codes.values() if code not in names()} == set()
    assert suite_name(codes["ECDHE-RSA-CHACHA20-POLY1305"]) == (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"
    )


@pytest.mark.parametrize("maximum", ["TLSv1.2", None])
def test_the_suite_that_is_told_is_the_one_in_the_server_hello(
    pki: LabPki, maximum: str | None
) -> None:
    async def run() -> tuple[Handshake, int]:
        async with Origin({"a.com": pki.issue("a.com")}) as origin:
            options = ProbeOptions(connect_to=("127.0.0.1", origin.port), maximum=maximum)
            seen = await probe(parse_target("a.com"), options)
        hello = read_transcript(b"", seen.server_bytes).server_hello
        assert seen.handshake is not None
        assert hello is not None
        return seen.handshake, hello.cipher

    done, code = asyncio.run(run())
    assert done.cipher == suite_name(code)
    assert re.fullmatch(r"TLS_[A-Z0-9_]+", done.cipher)
    assert done.version == (maximum or "TLSv1.3")


def test_a_handshake_that_failed_is_spelled_like_one_that_did_not() -> None:
    seen = probed(sends(server_hello(cipher=0xCCA9)))
    assert seen.failure is not None
    wanted = Handshake(False, "TLSv1.2", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256")
    assert seen.handshake == replace(wanted, group=seen.handshake.group if seen.handshake else None)


def test_without_a_handshake_there_is_no_suite() -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls = context.wrap_bio(incoming, outgoing, server_hostname="a.com")
    assert tls_object.suite_in_use(tls) is None
