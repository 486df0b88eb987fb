"""A fleet by its commands alone: served, killed, joined, asked, left."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock
from uuid import uuid4

import pytest

from addons.fleet.bus import api, keeper_login
from addons.fleet.home import FleetHome
from detector import clock
from detector.agent import subjects
from detector.agent.line import line_of
from detector.agent.sinks import SinkError, Surroundings
from detector.agent.sinks.nats import NatsSink
from detector.cli.app import run
from detector.net.nats_link import dial
from detector.report.event_json import (
    DeviceRecord,
    EventKind,
    EventRecord,
    HeartbeatRecord,
    NoticeRecord,
    VersionsRecord,
    decode_event,
)
from tests.live.programs import free_port
from tests.live.waiting import PATIENCE, until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]


class Commands:
    """`tlsight`, each time with this test's folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.said = folder / "said"
        self.environment = {
            **os.environ,
            "TLSIGHT_FLEET_STORE": str(folder / "fleet"),
            "TLSIGHT_FLEET_DATABASE": str(folder / "findings.sqlite3"),
            "PYTHONUNBUFFERED": "1",
        }

    def __call__(self, *words: str, code: int = 0) -> str:
        """In this process: a dozen interpreters would take longer than all that they do."""
        out = io.TextIOWrapper(io.BytesIO(), write_through=True)
        with (
            mock.patch.dict(os.environ, self.environment),
            redirect_stdout(out),
            redirect_stderr(out),
        ):
            ended = run(words)
        said = out.buffer.getvalue().decode()
        assert ended == code, f"{words}: {ended} {said}"
        return said

    @contextmanager
    def serving(self) -> Generator[subprocess.Popen[bytes]]:
        words = ("fleet", "serve", "--listen", f"127.0.0.1:{self.port}", "--name", "localhost", "--room", "20",
                 "--database", str(self.folder / "findings.sqlite3"))  # fmt: skip
        with self.said.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "detector", *words],
                stdout=file,
                stderr=file,
                env=self.environment,
            )
        try:
            until(lambda: b"fleet: tls://" in self.said.read_bytes() or process.poll() is not None)
            assert process.poll() is None, self.said.read_text()
            yield process
        finally:
            process.terminate()
            process.wait(PATIENCE)

    def kept(self) -> set[str]:
        with (
            closing(
                sqlite3.connect(f"file:{self.folder / 'findings.sqlite3'}?mode=ro", uri=True)
            ) as db,
            db,
        ):
            rows = db.execute("SELECT id FROM event").fetchall()
        db.close()
        return {str(one) for (one,) in rows}


def event(device: str, **more: object) -> EventRecord:
    what = more or {"notice": NoticeRecord("online", "online")}
    kind: EventKind = "heartbeat" if "heartbeat" in what else "notice"
    return EventRecord(
        "tlsight.event/1", uuid4().hex, kind, clock.now(), DeviceRecord(device), VersionsRecord("1"),
        **what,  # type: ignore[arg-type]
    )  # fmt: skip


def test_from_install_to_revoked_by_commands_and_kill_9_of_the_fleet_in_the_middle_loses_nothing(
    tmp_path: Path,
) -> None:
    tlsight = Commands(tmp_path)
    token, state = tmp_path / "laptop.token", tmp_path / "agent"
    with tlsight.serving() as process:
        tlsight("fleet", "token", "--out", str(token), "--until", "2h")
        assert token.stat().st_mode & 0o777 == 0o600
        tlsight("agent", "enrol", str(token), "--state", str(state))
        assert "used before" in tlsight(
            "agent", "enrol", str(token), "--state", str(tmp_path / "b"), code=4
        )
        device = json.loads((state / "fleet.json").read_bytes())["name"]
        assert device in tlsight("fleet", "agents")
        told = asyncio.run(told_while_killed(state, device, process, tlsight))
    with tlsight.serving():
        assert told <= asyncio.run(on_the_bus(tmp_path / "fleet", tlsight.port))
        late = event(device)
        asyncio.run(tell(state, late))
        # Those that the killed collector had in its hands come again after its half minute.
        until(lambda: late.id in tlsight.kept())
        said = tlsight("fleet", "agents", "--json").splitlines()
        again = json.loads(next(line for line in said if line.startswith("{")))
        assert again["name"] == device
        listed = tmp_path / "canaries.toml"
        listed.write_text("nothing of the kind")
        tlsight("fleet", "publish", "canaries", str(listed), code=2)
        listed.write_text('[[canary]]\nhost = "www.example.org"\nowner = "IANA"\n')
        tlsight("fleet", "publish", "canaries", str(listed))
        assert tlsight("fleet", "lists").split()[:2] == ["canaries", "1"]
        # nobody is there to answer: cannot tell
        assert "1 of 1 agents are asked" in tlsight(
            "fleet", "ask", "host.example", "--wait", "1s", code=3
        )
        tlsight("fleet", "revoke", device, "--reason", "stolen")
        until(lambda: asyncio.run(is_refused(state, device)))
        assert device not in tlsight("fleet", "agents")
        assert "stolen" in tlsight("fleet", "agents", "--all")
    secrets = (
        json.loads(token.read_bytes())["secret"],
        json.loads((state / "fleet.json").read_bytes())["seed"],
    )
    assert not any(one in tlsight.said.read_text() for one in secrets)


async def told_while_killed(
    state: Path, device: str, process: subprocess.Popen[bytes], tlsight: Commands
) -> set[str]:
    """Events that the bus has acknowledged, to a fleet that is killed among them and its server with it."""
    sink = NatsSink(Surroundings(device, state, clock.now, lambda text: None))
    told: set[str] = set()
    for number in range(20):
        events = [event(device) for _ in range(25)]
        if number == 10:
            process.send_signal(signal.SIGKILL)
            process.wait(PATIENCE)
        await sink.send(events)  # the server lives on without its parent
        told |= {one.id for one in events}
    await sink.send([event(device, heartbeat=HeartbeatRecord(1.0, 3600.0))])
    await sink.close()
    assert tlsight.kept() < told
    return told


async def tell(state: Path, late: EventRecord) -> None:
    sink = NatsSink(Surroundings(late.device.id, state, clock.now, lambda text: None))
    await sink.send([late])
    await sink.close()


async def on_the_bus(folder: Path, port: int) -> set[str]:
    home = FleetHome(folder)
    login = keeper_login(
        home.keys,
        (f"tls://localhost:{port}",),
        home.ca(),
        int(clock.now().timestamp()),
        bytes(range(32)),
    )
    link = await dial(login)
    try:
        last = (await api(link, f"STREAM.INFO.{subjects.EVENTS}"))["state"]["last_seq"]
        js = link.client.jetstream()
        found = [await js.get_msg(subjects.EVENTS, number) for number in range(1, last + 1)]
        return {decode_event(one.data or b"").id for one in found}
    finally:
        await link.close()


async def is_refused(state: Path, device: str) -> bool:
    sink = NatsSink(Surroundings(device, state, clock.now, lambda text: None))
    try:
        await sink.send([event(device)])
    except SinkError as error:
        return "does not take these credentials" in str(error)
    finally:
        await line_of(state).close()
    return False
