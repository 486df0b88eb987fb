"""Lists that no message of the bus can hold, over the real server."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import pytest

from addons.sync.nats_shelf import NatsShelf
from addons.sync.shelf import HEAD, batch_name, list_name
from detector import clock
from detector.errors import FetchError
from tests.live.fleet_world import running, until
from tests.live.waiting import PATIENCE

pytestmark = pytest.mark.live


def test_a_list_of_100_000_rules_and_one_that_cannot_be_packed_come_whole_and_wake_the_gateway(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            centre = NatsShelf(fleet.member("centre", "centre"), centre=True)
            north = NatsShelf(fleet.member("gateway", "north"), centre=False)
            assert await north.get(HEAD, 100) is None
            await north.news()  # it has just come: it may have missed one
            rules = "".join(
                f"{secrets.token_hex(6)}.example bypass {secrets.token_hex(20)}\n"
                for _ in range(100_000)
            ).encode()
            for content in (rules, secrets.token_bytes(5 << 20), b""):
                name = list_name(secrets.token_hex(32))
                await centre.put(name, content)
                await centre.put(HEAD, b"head")
                await asyncio.wait_for(north.news(), PATIENCE)
                assert await north.get(name, 64 << 20) == content
                with pytest.raises(FetchError, match="larger than"):
                    assert await north.get(name, len(content) - 1) is None
                assert set(await centre.list("centre")) == {HEAD, name}
                await centre.drop(name)
                assert await north.get(name, 64 << 20) is None
                assert await centre.list("centre") == [HEAD]
            await north.close()
            await centre.close()

    asyncio.run(go())


def test_a_gateway_hears_that_its_batch_was_taken_and_lays_all_there_again_after_the_line_was_cut(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            centre = NatsShelf(fleet.member("centre", "centre"), centre=True)
            north = NatsShelf(fleet.member("gateway", "north"), centre=False)
            south = NatsShelf(fleet.member("gateway", "south"), centre=False)
            for number in (1, 2):
                await north.put(batch_name("north", number), secrets.token_bytes(900_000))
            await south.put(batch_name("south", 1), b"x")
            assert set(await centre.list("gateways/north")) == {
                batch_name("north", n) for n in (1, 2)
            }
            await centre.drop(batch_name("north", 1))
            await until(lambda: north._mine == {batch_name("north", 2)})
            assert await north.list("gateways/north") == [batch_name("north", 2)]
            with pytest.raises(FetchError):  # another gateway's part
                await south.put(batch_name("north", 9), b"x")
            fleet.members.revoke("gateway", "south", clock.now(), "stolen")
            assert south._open is not None
            await asyncio.wait_for(south._open.ended(), PATIENCE)
            with pytest.raises(FetchError, match="does not take these credentials"):
                await south.get(HEAD, 10)
            assert north._open is not None
            await north._open.client.close()
            await asyncio.sleep(0)
            assert await north.list("gateways/north") == []
            for one in (centre, north, south):
                await one.close()

    asyncio.run(go())
