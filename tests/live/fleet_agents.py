"""Agents of a fleet of these tests: their state, their sink, and what they heard."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from addons.fleet import bus
from detector import clock
from detector.agent import subjects
from detector.agent.enrolling import enrol
from detector.agent.identity import identity
from detector.agent.link import Link
from detector.agent.membership import Token
from detector.agent.questions import Question
from detector.agent.sinks import Surroundings
from detector.agent.sinks.nats import NatsSink
from detector.agent.store import open_store
from detector.knowledge.database import Database
from detector.net.nats_link import NatsLink
from detector.report.event_json import (
    DeviceRecord,
    EventRecord,
    HeartbeatRecord,
    NetworkRecord,
    VersionsRecord,
    decode_event,
)
from tests.live.fleet_world import Fleet

_OPEN: list[Database] = []


def close_all() -> None:
    """What a test's agents have open: a database that is collected in another thread cannot be closed there."""
    while _OPEN:
        _OPEN.pop().close()


class Agent:
    """One machine's: its state, its sink, and what it heard."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.store = open_store(folder / "agent.sqlite3")
        _OPEN.append(self.store)
        self.device = identity(folder, secrets.token_bytes).device
        self.notices: list[tuple[str, str, str]] = []
        self.lists: list[tuple[str, bytes, int]] = []
        self.asked: list[Question] = []
        self.sink = NatsSink(Surroundings(self.device, folder, clock.now, lambda text: None))

    def event(self, **more: object) -> EventRecord:
        return EventRecord(
            "tlsight.event/1", secrets.token_hex(16), "heartbeat", clock.now(), DeviceRecord(self.device),
            VersionsRecord("1"), network=NetworkRecord("net1"), heartbeat=HeartbeatRecord(1.0, 60.0),
        ) if not more else EventRecord(
            "tlsight.event/1", secrets.token_hex(16), "answer", clock.now(), DeviceRecord(self.device),
            VersionsRecord("1"), **more,  # type: ignore[arg-type]
        )  # fmt: skip

    @asynccontextmanager
    async def listening(self, *, private: bool = True) -> AsyncGenerator[None]:
        link = Link(
            self.folder, self.store, now=clock.now, private=lambda _: private,
            notice=lambda code, text, about: self.notices.append((code, text, about)),
        )  # fmt: skip

        async def answer(question: Question) -> None:
            self.asked.append(question)
            await self.sink.send([self.event(question=question.id)])

        task = asyncio.ensure_future(
            link.run(
                lambda name, content, serial: self.lists.append((name, content, serial)), answer
            )
        )
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await link.close()

    def codes(self) -> list[str]:
        return [code for code, _, _ in self.notices]


async def enrolled(fleet: Fleet, folder: Path, token: Token | None = None) -> Agent:
    agent = Agent(folder)
    await enrol(token or fleet.token(), folder, agent.device, "laptop", "linux")
    return agent


async def keeper(fleet: Fleet) -> NatsLink:
    return await fleet.dial(fleet.member("keeper", bus.KEEPER, known=False))


async def stored(fleet: Fleet) -> list[EventRecord]:
    """All that the stream has."""
    link = await keeper(fleet)
    try:
        info = await bus.api(link, f"STREAM.INFO.{subjects.EVENTS}")
        found = []
        for number in range(info["state"]["first_seq"], info["state"]["last_seq"] + 1):
            got = await link.client.jetstream().get_msg(subjects.EVENTS, number)
            assert got.data is not None
            found.append(decode_event(got.data))
        return found
    finally:
        await link.close()
