"""Many agents at one fleet: each with its own verified TLS connection and its own key."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from addons.fleet import lists
from detector import clock
from detector.agent import subjects
from detector.agent.signed import unseal
from detector.net.nats_link import NatsLink
from tests.live.fleet_world import running
from tests.live.waiting import PATIENCE

pytestmark = pytest.mark.live
MANY = 500
_AT_ONCE = 25


def test_a_list_change_is_verified_at_each_of_500_real_subscribers(tmp_path: Path) -> None:
    async def go() -> list[float]:
        came: list[float] = []
        async with running(tmp_path) as fleet:
            signer = fleet.member("agent", "0" * 32).signer
            gate, links = asyncio.Semaphore(_AT_ONCE), []

            async def take(message) -> None:  # type: ignore[no-untyped-def]
                assert unseal("bypass", message.data, signer).content == content
                came.append(time.perf_counter())

            async def one(number: int) -> NatsLink:
                async with gate:
                    member = fleet.member("agent", f"{number:032x}", known=False)
                    link = await fleet.dial(member)
                    await link.hear(subjects.key_subject(subjects.LISTS, ">"), take)
                    return link

            content = b"host.example inspect\n" * 200
            links = await asyncio.gather(*(one(number) for number in range(MANY)))
            key = fleet.home.keys.signer
            began = time.perf_counter()
            lists.published(fleet.members, "bypass", content, key, clock.now(), "me")
            async with asyncio.timeout(PATIENCE):
                while len(came) < MANY:
                    await asyncio.sleep(0.005)
            await asyncio.gather(*(link.close() for link in links))
        return [at - began for at in came]

    took = asyncio.run(go())
    print(f"\n{MANY} subscribers: first {min(took):.3f} s, last {max(took):.3f} s")
    assert len(took) == MANY
