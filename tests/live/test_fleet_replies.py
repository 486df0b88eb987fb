"""A reply subject is not checked by the server: what comes of each harmful one, sent with all that one may publish."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from addons.fleet import bus, lists
from addons.fleet.rights import RIGHTS, Role
from detector import clock
from detector.agent import subjects
from detector.net.nats_link import Letter, NatsLink
from tests.live.fleet_world import Fleet, running
from tests.live.waiting import PATIENCE

pytestmark = pytest.mark.live
MINE, OTHER = "a" * 32, "b" * 32
STREAMS = (
    subjects.EVENTS,
    *(f"KV_{one}" for one in (subjects.STATE, subjects.LISTS, subjects.QUESTIONS, subjects.SYNC)),
)
DURABLE = "collector"
HARMFUL = (
    *(f"$JS.API.STREAM.{verb}.{name}" for verb in ("PURGE", "DELETE") for name in STREAMS),
    "$JS.API.STREAM.CREATE.other",
    f"$JS.API.CONSUMER.DELETE.{subjects.EVENTS}.{DURABLE}",
    f"$JS.API.CONSUMER.MSG.NEXT.{subjects.EVENTS}.{DURABLE}",
    f"$JS.ACK.{subjects.EVENTS}.{DURABLE}.1.1.1.1.1",
    subjects.event_subject(OTHER),
    subjects.event_subject(MINE),
    subjects.key_subject(subjects.STATE, OTHER),
    subjects.key_subject(subjects.LISTS, "canaries"),
    subjects.key_subject(subjects.LISTS, "junk"),
    subjects.key_subject(subjects.QUESTIONS, OTHER),
    subjects.key_subject(subjects.SYNC, "centre.head"),
    subjects.key_subject(subjects.SYNC, "gateways.south.report"),
    f"{subjects.ENROL}.x",
    "_R_.x.y",
    "$SYS.REQ.SERVER.PING",
    "$SYS.REQ.ACCOUNT.PING.CONNZ",
)  # fmt: skip
# What stands for a `>` at the end of a right: what is there, and what is not (whose answer has an empty body).
FILLED = {
    subjects.LISTS: ("canaries", "nonexist"),
    subjects.SYNC: ("centre.head", "centre.nonexist"),
}


def may_ask(role: Role, name: str) -> list[str]:
    """All that the role may publish, in full."""
    found = []
    for right in RIGHTS[role].publish:
        subject = right.replace("{{name()}}", name)
        if not subject.endswith(">"):
            found.append(subject)
        elif subject.endswith(f"gateways.{name}.>"):
            found += [subject[:-1] + "report", subject[:-1] + "nonexist"]
        elif subject.endswith("centre.>"):
            found += [subject[:-1] + "head", subject[:-1] + "nonexist"]
        elif subject.startswith("$JS"):
            bucket = subjects.LISTS if subjects.LISTS in subject else subjects.SYNC
            found += [subject[:-1] + key for key in FILLED[bucket]]
        else:
            found.append(subject[:-1] + f"gateways.{name}.report")
    return found


async def harmless(fleet: Fleet, role: Role, name: str) -> None:
    """Nothing of what others have is other than before, whatever the role asks and wherever it has the answer sent."""
    keeper = await fleet.dial(fleet.member("keeper", bus.KEEPER, known=False))
    link = await fleet.dial(fleet.token() if role == "enroller" else fleet.member(role, name))
    name = link.client._inbox_prefix.decode().removeprefix("_INBOX.")
    own = {one for one in may_ask(role, name) if not one.startswith("$JS")}
    before = await held(keeper)
    asked = [one for one in may_ask(role, name) if "PURGE" not in one]
    sent = 0
    for subject in asked:
        for reply in HARMFUL:
            for headers in (None, {"Nats-Trace-Dest": reply}):
                if reserved(reply):
                    continue
                await link.client.publish(subject, b"", reply=reply, headers=headers)
                sent += 1
    await link.client.flush()
    assert sent > 20
    # A further word of everybody's came through: what was sent before has had its effect.
    if role == "enroller":
        await link.ask(f"{subjects.ENROL}.{name}", b"{}")
    else:
        await link._request(next(one for one in asked if "DIRECT" in one), b"", PATIENCE)
    await asyncio.sleep(0.1)
    after = await held(keeper)
    for stream in STREAMS:
        changed = {
            subject: number
            for subject, number in after[stream].items()
            if subject not in own
            and not (role == "centre" and subjects.SYNC in subject)  # all of it is the centre's
            and before[stream].get(subject) != number
        }
        assert not changed, (role, stream, changed)
        assert set(before[stream]) <= set(after[stream]), (role, stream)
    names = (await bus.api(keeper, "STREAM.NAMES"))["streams"]
    assert sorted(names) == sorted(STREAMS)
    (consumer,) = (await bus.api(keeper, f"CONSUMER.LIST.{subjects.EVENTS}"))["consumers"]
    assert consumer["ack_floor"]["stream_seq"] == 0
    assert consumer["num_ack_pending"] == 1
    for reply in filter(reserved, HARMFUL):  # the server hangs up, or says no
        try:
            await link.client.publish(asked[0], b"", reply=reply)
            await link.client.flush()
        except Exception:  # whatever the library makes of it
            break
    await asyncio.sleep(0.05)
    (consumer,) = (await bus.api(keeper, f"CONSUMER.LIST.{subjects.EVENTS}"))["consumers"]
    assert consumer["ack_floor"]["stream_seq"] == 0
    await link.close()
    await keeper.close()


def reserved(reply: str) -> bool:
    """What the server lets nobody name as a reply."""
    return reply.startswith(("$JS.ACK", "_R_"))


async def held(keeper: NatsLink) -> dict[str, dict[str, Any]]:
    """By stream: the last message's number of each subject."""
    found: dict[str, dict[str, Any]] = {}
    for stream in STREAMS:
        info = await bus.api(keeper, f"STREAM.INFO.{stream}", {"subjects_filter": ">"})
        found[stream] = dict.fromkeys(info["state"].get("subjects") or {})
        for subject in found[stream]:
            last = await bus.api(keeper, f"STREAM.MSG.GET.{stream}", {"last_by_subj": subject})
            found[stream][subject] = (info["state"]["subjects"][subject], last["message"]["seq"])
    return found


async def filled(fleet: Fleet) -> None:
    lists.published(fleet.members, "canaries", b"good", fleet.home.keys.signer, clock.now(), "me")
    keeper = await fleet.dial(fleet.member("keeper", bus.KEEPER, known=False))
    other = await fleet.dial(fleet.member("agent", OTHER))
    await other.store([
        Letter(subjects.event_subject(OTHER), b"{}", "1"),
        Letter(subjects.key_subject(subjects.STATE, OTHER), b"state"),
    ])  # fmt: skip
    await keeper.store([
        Letter(subjects.key_subject(subjects.QUESTIONS, OTHER), b"question"),
        Letter(subjects.key_subject(subjects.QUESTIONS, MINE), b"question"),
        Letter(subjects.key_subject(subjects.SYNC, "centre.head"), b"head"),
        Letter(subjects.key_subject(subjects.SYNC, "gateways.south.report"), b"report"),
    ])  # fmt: skip
    config = {"durable_name": DURABLE, "ack_policy": "explicit", "ack_wait": 600 * 1_000_000_000}
    body = {"stream_name": subjects.EVENTS, "config": config}
    said = await bus.api(keeper, f"CONSUMER.DURABLE.CREATE.{subjects.EVENTS}.{DURABLE}", body)
    assert "error" not in said
    # one is on its way to the collector, and not acknowledged
    heard = await keeper.client.subscribe("_INBOX.keeper.taken")
    asked = f"$JS.API.CONSUMER.MSG.NEXT.{subjects.EVENTS}.{DURABLE}"
    await keeper.client.publish(asked, b"1", reply="_INBOX.keeper.taken")
    assert (await heard.next_msg(PATIENCE)).reply.startswith("$JS.ACK.")
    async with asyncio.timeout(PATIENCE):
        while await keeper.last(subjects.LISTS, "canaries") is None:
            await asyncio.sleep(0.02)
    await other.close()
    await keeper.close()


def test_no_reply_subject_purges_deletes_acknowledges_or_writes_anything_of_others(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            await filled(fleet)
            for role, name in (
                ("agent", MINE), ("gateway", "north"), ("centre", "centre"), ("enroller", ""),
            ):  # fmt: skip
                await harmless(fleet, role, name)  # type: ignore[arg-type]
            # and when the accounts were told anew
            gone = fleet.member("agent", "c" * 32)
            link = await fleet.dial(gone)
            fleet.members.revoke("agent", "c" * 32, clock.now(), "test")
            await asyncio.wait_for(link.ended(), PATIENCE)
            await harmless(fleet, "agent", MINE)
            await harmless(fleet, "enroller", "")

    asyncio.run(go())


def test_a_reply_subject_that_the_server_makes_is_nobodys_to_name(tmp_path: Path) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            token = fleet.token()
            link = await fleet.dial(token)
            said: list[str] = []

            async def heard(error: Exception) -> None:
                said.append(str(error).lower())

            link.client._error_cb = heard
            for reply in ("_R_.abc.def", "$JS.ACK.TLSIGHT_EVENTS.collector.1.1.1.1.1"):
                said.clear()
                await link.client.publish(f"{subjects.ENROL}.{token.name}", b"{}", reply=reply)
                await link.client.flush()
                async with asyncio.timeout(PATIENCE):
                    while not any("violation" in one for one in said):
                        await asyncio.sleep(0.005)

    asyncio.run(go())
