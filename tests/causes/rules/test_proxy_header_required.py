"""A server behind a load balancer, reached past it."""

from __future__ import annotations

import asyncio

from detector.lab.loopback import Loopback
from detector.lab.origin import Origin
from detector.lab.peers import Blunt, Gate, reset
from detector.lab.pki import LabPki
from tests.causes.rules.asked import causes, diagnosed


class Backend(Gate):
    """Takes nobody without a PROXY header, as HAProxy with accept-proxy."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            start = await reader.readexactly(6)
        except asyncio.IncompleteReadError:
            return
        if start != b"PROXY ":
            reset(writer)
            return
        await reader.readline()
        await super().serve(reader, writer)


def test_a_backend_that_answers_behind_a_header_wants_one(pki: LabPki) -> None:
    behind: Loopback = Origin({"localhost": pki.issue("localhost")})
    found = diagnosed(Backend(behind, lambda *_: "pass"), pki)
    cause = causes(found)["proxy-header-required"]
    assert (cause.severity, cause.party) == ("error", "server")
    assert "connection-reset" not in causes(found)
    assert "behind a PROXY header it is answered" in cause.evidence[0]


def test_a_server_that_resets_everything_wants_none(pki: LabPki) -> None:
    found = diagnosed(Blunt(reset=True), pki)
    assert list(causes(found)) == ["connection-reset"]
