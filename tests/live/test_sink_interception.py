"""Somebody stands between an agent and the receiver of its events: a real mitmdump before nginx and rsyslog. It is told
by every other way, and nothing is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from detector.agent import spool
from detector.agent.delivery import Deliveries, Pacing
from detector.agent.sinks import Sink, SinkError, Surroundings, file, http, syslog
from detector.agent.store import open_store
from detector.judging.judge import judge_all
from detector.lab.mitmdump import Mitmdump
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Judgement, Observation
from detector.report.event_json import EventRecord, NoticeRecord, decode_event
from tests.agent.sample_events import NOON, finding, notice
from tests.live.event_world import NginxReceiver, Rsyslog
from tests.live.waiting import until, until_it_holds

pytestmark = pytest.mark.live
HOST = "siem.example.com"
_LED = """
def server_connect(data):
    data.server.address = ("127.0.0.1", {port})
"""


class World:
    """The lab's PKI, who stands in, and what was told of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pki = LabPki()
        self.gateway = Authority("mitmproxy", organization="mitmproxy", profile=False)
        self.known = self.pki.knowledge()
        self.looked: list[Observation] = []
        self.told: list[tuple[NoticeRecord, Judgement | None]] = []

    def roots(self, *more: Authority) -> str:
        path = self.folder / f"roots-{len(more)}.pem"
        path.write_text("".join(one.pem for one in (self.pki.root, *more)))
        return str(path)

    def look(self, seen: Observation) -> str | None:
        """As the agent's core does it."""
        self.looked.append(seen)
        judgement = self.judge(seen)
        who = judgement.interceptor
        if judgement.verdict != "intercepted" or who is None:
            return None
        return who.product or who.engine or who.issuer

    def judge(self, seen: Observation) -> Judgement:
        return judge_all([seen], self.known)[0]

    def around(self) -> Surroundings:
        return Surroundings("d" * 32, self.folder, lambda: NOON, print, self.look)

    @asynccontextmanager
    async def mitmdump(self, port: int, *settings: str):  # type: ignore[no-untyped-def]
        script = self.folder / "led.py"
        script.write_text(_LED.format(port=port))
        folder = self.folder / "mitmproxy"
        trust = Path(self.roots())
        async with Mitmdump(
            folder, trust=trust, ca=self.gateway.credential(), scripts=[script], settings=settings
        ) as proxy:
            yield proxy


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@contextmanager
def delivering(
    world: World, **sinks: Sink
) -> Iterator[tuple[Callable[..., None], Callable[[Mapping[str, Sink]], Deliveries]]]:
    store = open_store(world.folder / "agent.sqlite3")

    def keep(*events: EventRecord) -> None:
        with store.db:
            spool.keep(store, events)

    def tell(record: NoticeRecord, seen: Observation | None) -> None:
        world.told.append((record, world.judge(seen) if seen is not None else None))
        keep(notice(900 + len(world.told), record.code, record.about))

    def opened(given: Mapping[str, Sink]) -> Deliveries:
        return Deliveries(store, given, lambda: NOON, tell, Pacing(first=0.05, last=0.05))

    opened(sinks)
    yield keep, opened
    store.close()


def in_file(path: Path) -> list[int]:
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [int(decode_event(line).id, 16) for line in lines]


def by_http(world: World, port: int, **more: Any) -> Sink:
    chosen = {"ca": world.roots(), **more}
    return http.open_sink(http.Settings(url=f"https://{HOST}:{port}/in", **chosen), world.around())


async def for_seconds(deliveries: Deliveries, condition: Callable[[], bool]) -> None:
    task = asyncio.create_task(deliveries.run())
    try:
        await until_it_holds(condition)
    finally:
        task.cancel()
        await asyncio.wait((task,))


def test_a_sink_whose_connection_is_forged_keeps_its_events_and_the_others_tell(
    world: World,
) -> None:
    path = world.folder / "events"
    files = {"local": file.open_sink(file.Settings(path=str(path)), world.around())}

    async def main(receiver: NginxReceiver) -> None:
        async with world.mitmdump(receiver.port) as proxy:
            siem = by_http(world, receiver.port, proxy=proxy.url)
            with delivering(world, siem=siem, **files) as (keep, opened):
                keep(finding(1), finding(2))
                await for_seconds(opened({"siem": siem, **files}), lambda: 901 in in_file(path))
                assert receiver.received() == []
                straight = by_http(world, receiver.port, proxy=proxy.url, ca=world.roots(world.gateway), through_interceptor=True)  # fmt: skip
                await for_seconds(opened({"siem": straight, **files}), lambda: 902 in in_file(path))

    with NginxReceiver(world.folder / "nginx", world.pki.issue(HOST), None) as receiver:
        asyncio.run(main(receiver))
        until(lambda: len(receiver.received()) >= 1)
        bodies = "".join(got["body"] for got in receiver.received())
    assert [int(decode_event(x.encode()).id, 16) for x in bodies.splitlines()][:3] == [1, 2, 901]
    (first, judged), (second, _) = world.told
    assert (first.code, first.about, second.code) == ("sink-failing", "siem", "sink-again")
    assert "not trusted" in first.text
    assert judged is not None
    assert judged.verdict == "intercepted"
    assert judged.interceptor is not None
    assert judged.interceptor.product == "mitmproxy"


def test_a_connection_that_verifies_by_the_interceptors_own_root_is_seen_through_before_anything_is_sent(
    world: World,
) -> None:
    token = world.folder / "token"
    token.write_text("s3cret")

    async def main(receiver: NginxReceiver) -> list[str]:
        async with world.mitmdump(receiver.port, "flow_detail=3") as proxy:
            more = {"proxy": proxy.url, "ca": world.roots(world.gateway), "token_file": str(token)}
            with pytest.raises(SinkError, match="intercepted by mitmproxy") as caught:
                await by_http(world, receiver.port, **more).send([finding(1)])
            assert caught.value.seen is not None
            assert caught.value.seen.chain
            assert receiver.received() == []
            through = by_http(world, receiver.port, **more, through_interceptor=True)
            before = len(world.looked)
            await through.send([finding(1)])
            await through.send([finding(2)])
            assert len(world.looked) == before + 1  # told then too, once
            return list(proxy.lines)

    with NginxReceiver(world.folder / "nginx", world.pki.issue(HOST), None) as receiver:
        lines = asyncio.run(main(receiver))
        until(lambda: len(receiver.received()) == 2)
    first = next(n for n, line in enumerate(lines) if "s3cret" in line or "POST" in line)
    assert sum("POST" in line for line in lines) == 2, lines[first:]


def test_a_connection_that_nobody_stands_in_is_looked_at_and_used(world: World) -> None:
    with NginxReceiver(world.folder / "nginx", world.pki.issue("localhost"), None) as receiver:
        sink = http.open_sink(
            http.Settings(url=f"https://localhost:{receiver.port}/in", ca=world.roots()),
            world.around(),
        )
        asyncio.run(sink.send([finding(1)]))
        until(lambda: len(receiver.received()) == 1)
    (seen,) = world.looked
    assert (seen.target.host, seen.target.ip) == ("localhost", "127.0.0.1")
    assert world.judge(seen).verdict == "direct"


def test_a_forged_syslog_server_is_told_from_the_real_one(world: World) -> None:
    async def main(receiver: Rsyslog) -> None:
        upstream = f"reverse:tls://127.0.0.1:{receiver.port}"
        async with world.mitmdump(receiver.port, f"mode={upstream}", "ssl_insecure=true") as proxy:
            common = {"host": "127.0.0.1", "port": proxy.port, "server_name": HOST}
            for ca, why in (
                (world.roots(), "not trusted"),
                (world.roots(world.gateway), "intercepted by mitmproxy"),
            ):
                sink = syslog.open_sink(syslog.Settings(**common, ca=ca), world.around())  # type: ignore[arg-type]
                with pytest.raises(SinkError, match=why) as caught:
                    await sink.send([finding(1)])
                assert caught.value.seen is not None
                assert world.judge(caught.value.seen).verdict == "intercepted"

    credential = world.pki.issue(HOST)
    with Rsyslog(world.folder / "rsyslog", credential, world.pki.root, "gtls") as receiver:
        asyncio.run(main(receiver))
        assert receiver.received() == []
