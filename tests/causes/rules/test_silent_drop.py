"""Silence before a ServerHello, and after one."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import closing

import pytest

from detector.lab.origin import Origin
from detector.lab.peers import Blunt, Gate
from detector.lab.pki import LabPki
from tests.causes.rules.asked import causes, diagnosed


class Stalling(Gate):
    """Lets the first record of a good server through, and nothing more."""

    async def _relay(
        self, whole: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        there = await asyncio.open_connection(self.behind.host, self.behind.port)
        with closing(there[1]):
            there[1].write(whole)
            head = await there[0].readexactly(5)
            writer.write(head + await there[0].readexactly(int.from_bytes(head[3:])))
            await writer.drain()
            await reader.read()


@pytest.mark.parametrize("maximum", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_silence_after_a_server_hello_is_not_a_swallowed_hello(
    pki: LabPki, maximum: ssl.TLSVersion
) -> None:
    def prepare(context: ssl.SSLContext) -> None:
        context.maximum_version = maximum

    behind = Origin({"localhost": pki.issue("localhost")}, prepare=prepare)
    found = diagnosed(Stalling(behind, lambda *_: "pass"), pki, timeout=2)
    cause = causes(found)["silent-drop"]
    assert "answers the ClientHello and gets no further" in cause.text
    assert "swallow" not in cause.fix[0].text
    assert [step.step for step in found.steps if step.status == "failed"] == ["certificate"]


def test_silence_to_every_hello_may_be_one_that_swallows_it(pki: LabPki) -> None:
    found = diagnosed(Blunt(silent=True), pki, timeout=0.5)
    cause = causes(found)["silent-drop"]
    assert "stays silent" in cause.text
    assert "swallows the hello" in cause.fix[0].text
