"""QUIC is an extra; whoever does not answer is waited for as long as one lets."""

from __future__ import annotations

import asyncio

import pytest

from detector.errors import ConfigError
from detector.known.knowledge import Knowledge
from detector.net import quic
from detector.net.probe import ProbeOptions
from detector.net.quic import quic_chain
from detector.runs.check import CheckRun


def test_without_aioquic_the_remedy_is_told(
    monkeypatch: pytest.MonkeyPatch, known: Knowledge
) -> None:
    monkeypatch.setattr(quic, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"--other-ways: aioquic .*tlsight\[quic\]"):
        CheckRun(known, ProbeOptions(), other_ways=True)
    CheckRun(known, ProbeOptions())


@pytest.mark.live
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_nobody_at_the_port_shows_nothing(address: str) -> None:
    async def run() -> None:
        async with asyncio.timeout(1.0):
            assert await quic_chain(address, 9, "a.example") == ()
            raise TimeoutError  # no such address family here

    with pytest.raises(TimeoutError):
        asyncio.run(run())
