"""Whoever does not answer is waited for as long as one lets."""

from __future__ import annotations

import asyncio

import pytest

from detector.net.quic import quic_chain


@pytest.mark.live
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_nobody_at_the_port_shows_nothing(address: str) -> None:
    async def run() -> None:
        async with asyncio.timeout(1.0):
            assert await quic_chain(address, 9, "a.example") == ()
            raise TimeoutError  # no such address family here

    with pytest.raises(TimeoutError):
        asyncio.run(run())
