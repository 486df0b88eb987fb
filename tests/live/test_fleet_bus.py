"""An agent and its fleet over the real nats-server: enrolled, told, asked, revoked."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from addons.fleet import lists
from addons.fleet.asking import answers, chosen
from detector import clock
from detector.agent import subjects
from detector.agent.enrolling import Reply, asked, enrol
from detector.agent.line import line_of
from detector.agent.link import Link
from detector.agent.membership import FILE, Membership, write_membership
from detector.agent.questions import Question
from detector.agent.signed import seal, signer_of
from detector.agent.sinks import SinkError
from detector.errors import ConfigError, FetchError, ListError
from detector.knowledge.whole_file import write_whole
from detector.net.nats_link import DeniedError, Letter, NatsLink
from detector.report.event_json import decode_event
from detector.wire.nkey import NKey
from tests.live.fleet_agents import enrolled, keeper, stored
from tests.live.fleet_world import Fleet, running, until
from tests.live.waiting import PATIENCE

pytestmark = pytest.mark.live


def test_a_token_enrols_one_agent_whose_key_never_left_it_and_is_refused_to_the_next(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            token = fleet.token()
            agent = await enrolled(fleet, tmp_path / "a", token)
            file = agent.folder / FILE
            assert file.stat().st_mode & 0o777 == 0o600
            await agent.sink.send([agent.event()])
            with pytest.raises(FetchError, match="the token was used before"):
                await enrolled(fleet, tmp_path / "b", token)
            (member,) = fleet.members.all("agent")
            assert (member.name, member.shown, member.system) == (agent.device, "laptop", "linux")
            everything = b"".join(
                one.read_bytes() for one in fleet.home.folder.glob("members.sqlite3*")
            )
            held = msgspec.json.decode(file.read_bytes(), type=Membership)
            assert token.secret.encode() not in everything
            assert held.seed.encode() not in everything
            assert not any(token.secret in line or held.seed in line for line in fleet.said)

    asyncio.run(go())


def test_an_answer_that_was_lost_is_given_again_to_the_same_key_and_costs_no_use(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            token, key = fleet.token(), NKey("user", secrets.token_bytes(32))
            device = secrets.token_hex(16)
            request = msgspec.json.encode(asked(token, key, device, "", "linux"))
            link = await fleet.dial(token)
            subject = f"{subjects.ENROL}.{token.name}"
            for _ in range(2):
                assert msgspec.json.decode(await link.ask(subject, request), type=Reply).jwt
            other = NKey("user", secrets.token_bytes(32))
            request = msgspec.json.encode(asked(token, other, device, "", "linux"))
            assert (
                "used before"
                in msgspec.json.decode(await link.ask(subject, request), type=Reply).error
            )
            assert len(fleet.members.all("agent")) == 1

    asyncio.run(go())


def test_a_wrong_secret_five_times_makes_the_token_void_and_a_known_device_needs_a_token_that_names_it(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            agent = await enrolled(fleet, tmp_path / "a")
            guessed = fleet.token()
            for _ in range(5):
                wrong = msgspec.structs.replace(guessed, secret="x" * 43)
                with pytest.raises(FetchError, match="secret is wrong"):
                    await enrol(wrong, tmp_path / "a", secrets.token_hex(16), "", "linux")
            with pytest.raises(FetchError, match="void"):
                await enrol(guessed, tmp_path / "a", secrets.token_hex(16), "", "linux")
            with pytest.raises(FetchError, match="enrolled already"):
                await enrol(fleet.token(), tmp_path / "a", agent.device, "", "linux")
            (tmp_path / "a" / "fleet.key").unlink()
            before = line_of(agent.folder).member()
            link = await fleet.dial(before)
            await enrol(fleet.token(device=agent.device), tmp_path / "a", agent.device, "", "linux")
            await asyncio.wait_for(link.ended(), PATIENCE)  # the former key is void at once
            with pytest.raises(DeniedError):
                await fleet.dial(before)
            await agent.sink.send([agent.event()])

    asyncio.run(go())


def test_events_come_once_though_they_are_sent_twice_and_the_last_heartbeat_is_the_state(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            agent = await enrolled(fleet, tmp_path / "a")
            events = [agent.event() for _ in range(300)]
            await agent.sink.send(events)
            await agent.sink.send(events)
            assert [one.id for one in await stored(fleet)] == [one.id for one in events]
            link = await keeper(fleet)
            state = await link.last(subjects.STATE, agent.device)
            assert state is not None
            assert decode_event(state[0]).id == events[-1].id

    asyncio.run(go())


def test_a_list_is_in_force_at_once_and_what_came_while_away_when_the_agent_is_back(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            agent = await enrolled(fleet, tmp_path / "a")
            signer = fleet.home.keys.signer
            async with agent.listening():
                await until(lambda: line_of(agent.folder)._open is not None)
                lists.published(fleet.members, "canaries", b"first", signer, clock.now(), "me")
                await until(lambda: agent.lists == [("canaries", b"first", 1)])
            link, now = await keeper(fleet), clock.now()
            for name, content in (("canaries", b"second"), ("bypass", b"third")):
                made = lists.published(fleet.members, name, content, signer, now, "me")
                await lies_there(link, name, made.blob)
            agent.lists.clear()
            async with agent.listening():
                await until(lambda: len(agent.lists) == 3)
            # the kept one first, then what was missed
            assert agent.lists == [
                ("canaries", b"first", 1),
                ("canaries", b"second", 2),
                ("bypass", b"third", 1),
            ]
            assert agent.codes() == ["list-taken"] * 3

    asyncio.run(go())


async def lies_there(link: NatsLink, name: str, blob: bytes) -> None:
    """Wait until the bus has this list."""
    async with asyncio.timeout(PATIENCE):
        while (await link.last(subjects.LISTS, name) or (b"",))[0] != blob:
            await asyncio.sleep(0.02)


def test_forged_replayed_expired_and_exchanged_lists_change_nothing_and_are_put_right(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            agent = await enrolled(fleet, tmp_path / "a")
            now, signer = clock.now(), fleet.home.keys.signer
            ours, theirs = signer_of(signer), signer_of(secrets.token_hex(32))

            def made(
                name: str,
                serial: int,
                content: bytes,
                sign: Callable[[bytes], tuple[str, str]] = ours,
                until: datetime | None = None,
            ) -> bytes:
                return seal(name, serial, now, until or now + timedelta(days=1), content, sign)

            old = made("canaries", 1, b"old")
            lists.published(fleet.members, "canaries", b"first", signer, now, "me")
            good = lists.published(fleet.members, "canaries", b"good", signer, now, "me").blob
            bad = (
                made("canaries", 6, b"x", theirs),
                old,
                made("canaries", 6, b"x", until=now - timedelta(seconds=1)),
                made("canaries", 2, b"x"),
                made("bypass", 9, b"x"),
                b"nothing of tlsight's",
                good[: good.index(b"\n") + 1] + old[old.index(b"\n") + 1 :],
            )
            link = await keeper(fleet)
            subject = subjects.key_subject(subjects.LISTS, "canaries")

            await lies_there(link, "canaries", good)
            async with agent.listening():
                await until(lambda: agent.lists == [("canaries", b"good", 2)])
                for blob in bad:
                    await link.store([Letter(subject, blob)])
                await link.store([Letter(subjects.key_subject(subjects.LISTS, "bypass"), old)])
                await lies_there(link, "canaries", good)
                async with asyncio.timeout(PATIENCE):
                    while await link.last(subjects.LISTS, "bypass") is not None:
                        await asyncio.sleep(0.02)
                later = lists.published(fleet.members, "canaries", b"later", signer, now, "me")
                await until(lambda: agent.lists[-1] == ("canaries", b"later", later.serial))
            assert [serial for _, _, serial in agent.lists] == [2, 3]
            told = [line for line in fleet.said if "did not sign" in line]
            assert len(told) == 1

    asyncio.run(go())


def test_what_anybody_in_the_fleet_can_have_said_to_an_agent_is_not_told_as_the_fleets(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            agent, hostile = (
                await enrolled(fleet, tmp_path / "a"),
                await enrolled(fleet, tmp_path / "b"),
            )
            signer = fleet.home.keys.signer
            lists.published(fleet.members, "canaries", b"good", signer, clock.now(), "me")
            async with agent.listening():
                await until(lambda: agent.codes() == ["list-taken"])
                link = await line_of(hostile.folder).get()
                for heard in (
                    subjects.key_subject(subjects.LISTS, "canaries"),
                    subjects.key_subject(subjects.QUESTIONS, agent.device),
                ):
                    for _ in range(50):
                        await link.client.publish(
                            subjects.event_subject(hostile.device), b"{}", reply=heard
                        )
                await link.client.flush()
                lists.published(fleet.members, "canaries", b"later", signer, clock.now(), "me")
                await until(lambda: ("canaries", b"later", 2) in agent.lists)
                await asyncio.sleep(0.2)
                assert agent.codes() == ["list-taken"] * 2
            await line_of(hostile.folder).close()

    asyncio.run(go())


def test_a_handler_that_fails_and_a_locked_database_deafen_no_agent(tmp_path: Path) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            agent = await enrolled(fleet, tmp_path / "a")
            link, signer = await keeper(fleet), fleet.home.keys.signer
            seen: list[str] = []
            link_ = Link(
                agent.folder, agent.store, now=clock.now, private=lambda _: True,
                notice=lambda code, text, about: agent.notices.append((code, text, about)),
            )  # fmt: skip

            async def fails_first(question: Question) -> None:
                seen.append(question.host)
                if len(seen) == 1:
                    raise ConfigError("pac", "cannot be had")

            task = asyncio.ensure_future(
                link_.run(lambda name, body, n: agent.lists.append((name, body, n)), fails_first)
            )
            for host in ("192.0.2.1", "192.0.2.2"):
                question = lists.fresh_question(host, 443, clock.now() + timedelta(minutes=10))
                await lists.ask(link, [agent.device], question, signer, clock.now())
                await until(lambda host=host: host in seen)
            assert [text for code, text, _ in agent.notices if code == "cannot-check"]
            agent.store.db.execute("PRAGMA busy_timeout = 50")
            with closing(sqlite3.connect(agent.folder / "agent.sqlite3")) as other:
                other.execute("BEGIN IMMEDIATE")
                lists.published(fleet.members, "canaries", b"good", signer, clock.now(), "me")
                await until(lambda: any("locked" in text for _, text, _ in agent.notices))
                other.rollback()
            await until(lambda: "list-taken" in agent.codes())
            assert not task.done()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await link_.close()

    asyncio.run(go())


def test_a_question_is_answered_once_at_once_or_when_the_agent_is_back(tmp_path: Path) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            agents = [await enrolled(fleet, tmp_path / name) for name in "abc"]
            for one in agents:
                await one.sink.send([one.event()])
            link, now, signer = await keeper(fleet), clock.now(), fleet.home.keys.signer
            devices = [one.device for one in agents]
            assert sorted(await chosen(link, devices, 9, "net1", now)) == sorted(devices)
            assert await chosen(link, devices, 9, "elsewhere", now) == []
            assert await chosen(link, devices, 9, None, now + timedelta(hours=1)) == []
            question = lists.fresh_question("localhost", 443, now + timedelta(minutes=10))
            # loopback is refused even where private targets are allowed
            async with agents[0].listening(), agents[1].listening():
                await answers(link, devices, question, signer, now, 0.2)
                await until(lambda: all("cannot-check" in one.codes() for one in agents[:2]))
            assert not agents[0].asked
            question = lists.fresh_question("192.0.2.7", 443, now + timedelta(minutes=10))
            async with agents[0].listening(), agents[1].listening():
                found = await answers(link, devices[:2], question, signer, now, PATIENCE)
                assert {one.device.id for one in found} == set(devices[:2])
            await lists.ask(link, devices[2:], question, signer, now)
            async with agents[0].listening(), agents[2].listening():
                await until(lambda: [one.id for one in agents[2].asked] == [question.id])
                await asyncio.sleep(0.3)
            assert [one.id for one in agents[0].asked] == [question.id]

    asyncio.run(go())


def test_a_private_target_is_refused_where_the_agents_own_settings_do_not_allow_it(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            agent = await enrolled(fleet, tmp_path / "a")
            link, now = await keeper(fleet), clock.now()
            question = lists.fresh_question("10.0.0.7", 443, now + timedelta(minutes=10))
            async with agent.listening(private=False):
                await answers(link, [agent.device], question, fleet.home.keys.signer, now, 0.1)
                await until(lambda: agent.codes() == ["cannot-check"])
            assert not agent.asked
            assert "private address" in agent.notices[0][1]

    asyncio.run(go())


def test_a_revoked_agent_is_cut_off_at_once_and_after_a_restart_says_so_once_and_comes_back_enrolled_anew(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            agent = await enrolled(fleet, tmp_path / "a")
            async with agent.listening():
                await agent.sink.send([agent.event()])
                fleet.members.revoke("agent", agent.device, clock.now(), "stolen")
                await until(lambda: "revoked" in agent.codes())
                for _ in range(3):
                    with pytest.raises(SinkError, match="does not take these credentials") as told:
                        await agent.sink.send([agent.event()])
                    assert told.value.after is not None
                    assert told.value.after > 300
                assert agent.codes() == ["revoked"]
        fleet = Fleet(tmp_path, fleet.port)
        async with fleet.serving():
            with pytest.raises(DeniedError):
                await fleet.dial(line_of(agent.folder).member())
            await enrol(fleet.token(), agent.folder, agent.device, "", "linux")
            await agent.sink.send([agent.event()])
        fleet.members.close()

    asyncio.run(go())


def test_kill_9_of_the_server_loses_nothing_that_was_acknowledged_and_all_come_back_by_themselves(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            agent = await enrolled(fleet, tmp_path / "a")
            batch: dict[str, int] = {}

            def started_again() -> int:
                return sum("it is started again" in line for line in fleet.said)

            async with agent.listening():
                for round_ in range(9):
                    events = [agent.event() for _ in range(20)]
                    if round_ in (2, 5):
                        asyncio.get_running_loop().call_later(0.003, _kill_server, tmp_path)
                    while True:
                        try:
                            await agent.sink.send(events)
                        except SinkError as error:
                            await asyncio.sleep(min(error.after or 0.1, 0.3))
                        else:
                            break
                    batch |= {one.id: round_ for one in events}
                    await until(lambda r=round_: started_again() == (r >= 2) + (r >= 5))
                lists.published(
                    fleet.members, "canaries", b"after", fleet.home.keys.signer, clock.now(), "me"
                )
                await until(lambda: ("canaries", b"after", 1) in agent.lists)
            assert started_again() == 2
            found = [one.id for one in await stored(fleet)]
            assert sorted(found) == sorted(batch)
            assert [batch[one] for one in found] == sorted(batch.values())

    asyncio.run(go())


def test_what_waits_for_a_servers_word_is_told_at_once_that_the_line_is_cut(tmp_path: Path) -> None:
    async def go() -> None:
        async with running(tmp_path) as fleet:
            asking, silent = await keeper(fleet), await keeper(fleet)
            heard = asyncio.Event()

            async def says_nothing(_: object) -> None:
                heard.set()

            await silent.hear("nobody.answers", says_nothing)
            waiting = asyncio.ensure_future(asking.ask("nobody.answers", b"", within=10 * PATIENCE))
            await asyncio.wait_for(heard.wait(), PATIENCE)
            _kill_server(tmp_path)
            with pytest.raises(FetchError):
                await asyncio.wait_for(waiting, PATIENCE)
            await asyncio.gather(asking.close(), silent.close())

    asyncio.run(go())


def _kill_server(folder: Path) -> None:
    """The child of this very fleet, known by its configuration's path."""
    import os
    import signal

    wanted = str(folder / "fleet" / "nats.conf").encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (process / "cmdline").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)
        except (OSError, ValueError):
            continue


def test_a_copy_of_the_server_with_another_certificate_is_sent_nothing_and_is_looked_at(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        async with running(tmp_path / "one") as fleet, running(tmp_path / "two") as other:
            agent = await enrolled(fleet, tmp_path / "a")
            member = line_of(agent.folder).member()
            moved = msgspec.structs.replace(member, servers=other.servers)
            write_whole(agent.folder / FILE, write_membership(moved), 0o600)
            await agent.sink.close()
            with pytest.raises(SinkError, match="does not verify") as told:
                await agent.sink.send([agent.event()])
            assert told.value.seen is not None
            assert len(told.value.seen.chain) >= 1

    asyncio.run(go())


def test_a_list_that_the_bus_cannot_carry_is_refused_where_it_is_published(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, 1)
    with pytest.raises(ListError, match="when packed"):
        lists.published(
            fleet.members,
            "bypass",
            secrets.token_bytes(2 << 20),
            fleet.home.keys.signer,
            clock.now(),
            "me",
        )
    assert fleet.members.published() == []
    fleet.members.close()
