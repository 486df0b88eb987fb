"""TLS 1.3 taken out of the hello on the way."""

from __future__ import annotations

import asyncio

from detector.lab.origin import Origin
from detector.lab.peers import Gate
from detector.lab.pki import LabPki
from detector.wire import registry as r
from detector.wire.hello import parse_client_hello
from tests.causes.rules.asked import causes, diagnosed


class Stripping(Gate):
    """A gateway of old: it renames supported_versions, so that the server sees a client of TLS 1.2."""

    async def _relay(
        self, whole: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        body = parse_client_hello(whole[9:]).extension(r.SUPPORTED_VERSIONS)
        if body is not None:
            found = r.SUPPORTED_VERSIONS.to_bytes(2) + len(body).to_bytes(2) + body
            whole = whole.replace(found, b"\xfa\xfa" + found[2:])
        await super()._relay(whole, reader, writer)


def test_a_downgrade_on_the_way_is_not_the_servers_fault(pki: LabPki) -> None:
    behind = Origin({"localhost": pki.issue("localhost")})
    found = diagnosed(Stripping(behind, lambda *_: "pass"), pki)
    assert found.inquiry.observation.failure is not None
    cause = causes(found)["tls13-intolerant"]
    assert (cause.severity, cause.party) == ("error", "network")
    assert "was not offered it, and it was" in cause.text
    assert "malformed-handshake" not in causes(found)
