"""What the real server lets an agent do, and what not, whatever it tries."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec
import pytest

from addons.fleet import bus, lists
from detector import clock
from detector.agent import subjects
from detector.errors import FetchError
from detector.net.nats_link import DeniedError, Letter, NatsLink
from tests.live.fleet_world import running
from tests.live.waiting import PATIENCE

pytestmark = pytest.mark.live
MINE, OTHER = "a" * 32, "b" * 32
_SOON = 0.4


async def refused(link: NatsLink, subject: str, body: bytes = b"{}") -> bool:
    """Whether the server says that this may not be published; it would answer else, if only that nobody is there."""
    said: list[str] = []
    link.client._error_cb = _into(said)
    await link.client.publish(subject, body, reply=f"{link.client._inbox_prefix.decode()}.x")
    await link.client.flush()
    return await _violated(said)


async def deaf(link: NatsLink, subject: str) -> bool:
    """Whether the server says that this may not be heard."""
    said: list[str] = []
    link.client._error_cb = _into(said)
    await link.client.subscribe(subject)
    await link.client.flush()
    return await _violated(said)


async def _violated(said: list[str]) -> bool:
    """The server's word may come after its pong."""
    end = clock.stopwatch() + PATIENCE
    while not any("permissions violation" in one.lower() for one in said):
        if clock.stopwatch() > end:
            return False
        await asyncio.sleep(0.005)
    return True


def _into(said: list[str]):  # type: ignore[no-untyped-def]
    async def heard(error: Exception) -> None:
        said.append(str(error))

    return heard


def test_an_agent_tells_of_itself_and_reads_what_is_signed_and_nothing_else(tmp_path: Path) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            keeper = await fleet.dial(fleet.member("keeper", bus.KEEPER, known=False))
            await keeper.store([
                Letter(subjects.key_subject(subjects.QUESTIONS, MINE), b"for me"),
                Letter(subjects.key_subject(subjects.QUESTIONS, OTHER), b"for the other"),
            ])  # fmt: skip
            signer = fleet.home.keys.signer
            signed = lists.published(fleet.members, "canaries", b"x", signer, clock.now(), "me")
            await lists.sent(keeper, [signed])
            agent = await fleet.dial(fleet.member("agent", MINE))
            # what it is for
            (stored,) = await agent.store([Letter(subjects.event_subject(MINE), b"{}", "1")])
            assert stored.why == ""
            (stored,) = await agent.store(
                [Letter(subjects.key_subject(subjects.STATE, MINE), b"{}")]
            )
            assert stored.why == ""
            found = await agent.last(subjects.LISTS, "canaries")
            assert found is not None
            assert found[0] == signed.blob
            assert await agent.last(subjects.LISTS, "bypass") is None
            found = await agent.last(subjects.QUESTIONS, MINE)
            assert found is not None
            assert found[0] == b"for me"
            # and nothing else
            for subject in (
                subjects.event_subject(OTHER),
                subjects.key_subject(subjects.STATE, OTHER),
                subjects.key_subject(subjects.LISTS, "canaries"),
                subjects.key_subject(subjects.QUESTIONS, MINE),
                subjects.key_subject(subjects.SYNC, "centre.head"),
                f"{subjects.ENROL}.x", "tlsight.event.a.b", f"{subjects.inbox(OTHER)}.x", "hello",
                f"$JS.API.DIRECT.GET.KV_{subjects.QUESTIONS}.{subjects.key_subject(subjects.QUESTIONS, OTHER)}",
                f"$JS.API.DIRECT.GET.KV_{subjects.QUESTIONS}.{subjects.key_subject(subjects.QUESTIONS, '>')}",
                f"$JS.API.DIRECT.GET.KV_{subjects.STATE}.{subjects.key_subject(subjects.STATE, OTHER)}",
                f"$JS.API.DIRECT.GET.{subjects.EVENTS}.{subjects.event_subject(OTHER)}",
                f"$JS.API.DIRECT.GET.{subjects.EVENTS}", f"$JS.API.DIRECT.GET.KV_{subjects.LISTS}",
                f"$JS.API.STREAM.MSG.GET.{subjects.EVENTS}", f"$JS.API.STREAM.MSG.DELETE.{subjects.EVENTS}",
                "$JS.API.STREAM.CREATE.mine", f"$JS.API.STREAM.DELETE.{subjects.EVENTS}",
                f"$JS.API.STREAM.PURGE.{subjects.EVENTS}", f"$JS.API.STREAM.UPDATE.{subjects.EVENTS}",
                f"$JS.API.STREAM.INFO.{subjects.EVENTS}", "$JS.API.STREAM.LIST", "$JS.API.STREAM.NAMES", "$JS.API.INFO",
                f"$JS.API.CONSUMER.CREATE.{subjects.EVENTS}", f"$JS.API.CONSUMER.CREATE.KV_{subjects.LISTS}.x",
                f"$JS.API.CONSUMER.MSG.NEXT.{subjects.EVENTS}.collector",
                f"$JS.API.CONSUMER.DELETE.{subjects.EVENTS}.collector", f"$JS.ACK.{subjects.EVENTS}.collector.1.1.1.1.1",
                "$SYS.REQ.SERVER.PING", "$SYS.REQ.USER.INFO",
            ):  # fmt: skip
                assert await refused(agent, subject), subject
            for subject in (
                ">", "*", "tlsight.>", subjects.ALL_EVENTS, subjects.event_subject(OTHER), "_INBOX.>", "_INBOX.*.>",
                f"{subjects.inbox(OTHER)}.>", subjects.key_subject(subjects.QUESTIONS, ">"),
                subjects.key_subject(subjects.QUESTIONS, OTHER), subjects.key_subject(subjects.STATE, ">"),
                "$KV.>", "$JS.>", "$SYS.>", f"{subjects.ENROL}.>",
            ):  # fmt: skip
                assert await deaf(agent, subject), subject
            # what was there is there
            assert (await keeper.last(subjects.QUESTIONS, OTHER) or (b"",))[0] == b"for the other"
            info = await bus.api(keeper, f"STREAM.INFO.{subjects.EVENTS}")
            assert info["state"]["messages"] == 1

    asyncio.run(go())


def test_one_message_cannot_purge_a_bucket_and_one_agent_cannot_fill_the_stream(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            agent = await fleet.dial(fleet.member("agent", MINE))
            other = await fleet.dial(fleet.member("agent", OTHER))
            await other.store([Letter(subjects.key_subject(subjects.STATE, OTHER), b"kept")])
            said = await agent.client.request(
                subjects.key_subject(subjects.STATE, MINE), b"x", headers={"Nats-Rollup": "all"}
            )
            assert "rollup" in json.loads(said.data)["error"]["description"]
            keeper = await fleet.dial(fleet.member("keeper", bus.KEEPER, known=False))
            assert (await keeper.last(subjects.STATE, OTHER) or (b"",))[0] == b"kept"
            info = await bus.api(keeper, f"STREAM.INFO.{subjects.EVENTS}")
            config = {**info["config"], "max_msgs_per_subject": 3}
            await bus.api(keeper, f"STREAM.UPDATE.{subjects.EVENTS}", config)
            letters = [Letter(subjects.event_subject(MINE), b"{}", f"m{n}") for n in range(5)]
            assert [bool(one.why) for one in await agent.store(letters)] == [False] * 3 + [True] * 2
            (answer,) = await other.store([Letter(subjects.event_subject(OTHER), b"{}", "o")])
            assert answer.why == ""

    asyncio.run(go())


def test_an_agent_that_sends_the_largest_messages_without_end_keeps_nobody_else_from_telling(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        async with running(tmp_path, 1 << 30) as fleet:  # of a stream of half a GiB
            hostile = await fleet.dial(fleet.member("agent", MINE))
            other = await fleet.dial(fleet.member("agent", OTHER))
            body = bytes(subjects.MAX_EVENT - 1024)
            letters = [Letter(subjects.event_subject(MINE), body) for _ in range(150)]
            answers = [(await hostile.store([one]))[0] for one in letters]
            most = bus.most_of_one(1 << 30)
            assert [bool(one.why) for one in answers] == [False] * most + [True] * (150 - most)
            keeper = await fleet.dial(fleet.member("keeper", bus.KEEPER, known=False))
            info = await bus.api(keeper, f"STREAM.INFO.{subjects.EVENTS}")
            assert info["state"]["bytes"] < info["config"]["max_bytes"] / 9
            (answer,) = await other.store([Letter(subjects.event_subject(OTHER), b"{}", "o")])
            assert answer.why == ""
            # What the collector has makes room for the same agent within a moment.
            config = {"durable_name": "c", "ack_policy": "all", "max_ack_pending": 1000}
            said = await bus.api(
                keeper, f"CONSUMER.DURABLE.CREATE.{subjects.EVENTS}.c",
                {"stream_name": subjects.EVENTS, "config": config},
            )  # fmt: skip
            assert "error" not in said
            heard = await keeper.client.subscribe("_INBOX.keeper.taken")
            asked = f"$JS.API.CONSUMER.MSG.NEXT.{subjects.EVENTS}.c"
            await keeper.client.publish(asked, b"%d" % most, reply="_INBOX.keeper.taken")
            for _ in range(most):
                last = await heard.next_msg(PATIENCE)
            await last.ack()
            async with asyncio.timeout(PATIENCE):
                while (await hostile.store(letters[:1]))[0].why:
                    await asyncio.sleep(0.05)

    asyncio.run(go())


def test_a_gateway_writes_its_own_part_of_the_shelf_and_reads_the_centres(tmp_path: Path) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            north = await fleet.dial(fleet.member("gateway", "north"))
            (answer,) = await north.store([Letter("$KV.tlsight-sync.gateways.north.report", b"x")])
            assert answer.why == ""
            assert await north.last(subjects.SYNC, "centre.head") is None
            for subject in (
                "$KV.tlsight-sync.centre.head", "$KV.tlsight-sync.gateways.south.report",
                "$JS.API.DIRECT.GET.KV_tlsight-sync.$KV.tlsight-sync.gateways.south.report",
                subjects.event_subject(MINE), "$JS.API.STREAM.INFO.KV_tlsight-sync",
            ):  # fmt: skip
                assert await refused(north, subject), subject
            for subject in (
                "tlsight.sync.gateways.south.>",
                "tlsight.sync.>",
                "$KV.tlsight-sync.>",
            ):
                assert await deaf(north, subject), subject

    asyncio.run(go())


def test_who_holds_a_token_may_ask_with_it_and_nothing_else(tmp_path: Path) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            token = fleet.token()
            link = await fleet.dial(token)
            for subject in (
                f"{subjects.ENROL}.other",
                subjects.event_subject(token.name),
                "$JS.API.INFO",
            ):
                assert await refused(link, subject), subject
            assert await deaf(link, f"{subjects.ENROL}.*")
            with pytest.raises(FetchError):
                await link.ask(f"{subjects.ENROL}.{token.name}.x", b"", _SOON)

    asyncio.run(go())


def test_nobody_comes_in_without_the_fleets_word_or_with_another_fleets(tmp_path: Path) -> None:
    async def go() -> None:
        async with running(tmp_path / "one") as fleet:
            mine = fleet.member("agent", MINE)
            for wrong in ("", mine.jwt[:-4] + "AAAA"):
                bad = msgspec.structs.replace(mine, jwt=wrong)
                with pytest.raises(FetchError):
                    await fleet.dial(bad)
            # the word for one key, shown with another one
            stolen = msgspec.structs.replace(mine, seed=fleet.member("agent", OTHER).seed)
            with pytest.raises(DeniedError):
                await fleet.dial(stolen)

    asyncio.run(go())
