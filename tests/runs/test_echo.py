"""One way asked by all that there is, as one record."""

from __future__ import annotations

import asyncio

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detector.knowledge.browser_hellos import browser_hellos
from detector.lab.origin import server_context
from detector.lab.pki import LabPki
from detector.net.echoed import EchoServer
from detector.net.probe import ProbeOptions
from detector.runs.echo import ask_echo
from detector.serving.echo import HTTP, Place, server_of
from detector.serving.front import Limits
from detector.serving.speaker import OpenSslSpeaker

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw().hex()


def test_a_direct_way_is_unchanged_for_all_and_proven(pki: LabPki) -> None:
    async def go() -> None:
        context = server_context(pki.issue("echo.test"))
        context.set_alpn_protocols(list(HTTP))
        browsers = browser_hellos()
        async with server_of(
            Place("127.0.0.1", 0), lambda: OpenSslSpeaker(context), KEY, browsers, Limits()
        ) as port:
            options = ProbeOptions(connect_to=("127.0.0.1", port), timeout=5)
            server = EchoServer("echo.test", 443, PUBLIC)
            found = await ask_echo(server, options, browsers, ("python",))
            assert [(one.client, one.fate) for one in found.hellos] == [
                (name, "unchanged")
                for name in ("tlsight", "browser", "plain", "tls12-only", "two-records", "python")
            ]
            assert (found.fate, found.proven, found.headers) == ("unchanged", True, ())
            assert found.here == found.there
            assert (found.key, found.peer) == (PUBLIC, "127.0.0.1")

    asyncio.run(go())


def test_nobody_there_is_nothing_and_not_proven() -> None:
    options = ProbeOptions(connect_to=("127.0.0.1", 9), timeout=1)
    server = EchoServer("echo.test", 443, PUBLIC)
    found = asyncio.run(ask_echo(server, options, browser_hellos()))
    assert (found.fate, found.proven, found.key) == ("nothing", False, None)
    assert "refuses" in found.hellos[0].why
