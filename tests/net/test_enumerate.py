"""Cipher suites in the server's order, against OpenSSL."""

from __future__ import annotations

import asyncio
import ssl

from detector.lab.origin import Origin
from detector.lab.peers import OldServer
from detector.lab.pki import LabPki
from detector.model.inquiry import ServedSuites
from detector.model.targets import parse_target
from detector.net.enumerate import served_suites
from detector.net.probe import ProbeOptions


def served(server: object) -> tuple[ServedSuites, ...]:
    async def run() -> tuple[ServedSuites, ...]:
        async with server as started:  # type: ignore[attr-defined]
            target = parse_target(f"localhost:{started.port}")
            return await served_suites(target, ProbeOptions(timeout=20))

    return asyncio.run(run())


def test_every_suite_is_found_in_the_servers_order(pki: LabPki) -> None:
    def prepare(context: ssl.SSLContext) -> None:
        context.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256")
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE

    newest, older = served(Origin({"localhost": pki.issue("localhost")}, prepare=prepare))
    assert (newest.version, set(newest.suites)) == (0x0304, {0x1301, 0x1302, 0x1303})
    assert older == ServedSuites(0x0303, (0xC02C, 0xC02B), server_prefers=True)


def test_suites_that_openssl_has_forgotten_are_found(pki: LabPki) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    old = OldServer(pki.issue("localhost", key=key), (0x0005, 0x0003), version=0x0300)
    (found,) = served(old)
    assert (found.version, set(found.suites)) == (0x0300, {0x0005, 0x0003})
