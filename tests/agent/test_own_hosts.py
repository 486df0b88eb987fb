"""Hosts of the user's: asked where that is wanted, and told to nobody else."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from detector.agent.canaries import Canaries
from detector.agent.finding import Held
from detector.agent.metrics import families
from detector.agent.own_hosts import OwnHosts, guarded
from detector.agent.settings import Settings, load
from detector.agent.snapshot import read_snapshot
from detector.agent.state import AgentState
from detector.agent.status import status
from detector.cli.agent_nagios import agent_line
from detector.report.event_json import (
    EventRecord,
    FindingRecord,
    HeartbeatRecord,
    decode_event,
    encode_event,
)
from detector.report.prometheus import exposition
from tests.agent.told import AT, HOST, check, event


class Heard:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.text = ""

    async def send(self, events: Sequence[EventRecord]) -> None:
        self.text += "".join(encode_event(one).decode() for one in events)

    async def close(self) -> None:
        pass


def settings(folder: Path, text: str) -> Settings:
    path = folder / "agent.toml"
    path.write_text(text)
    path.chmod(0o600)
    return load(path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    file = tmp_path / "home/.config/chromium/Default/History"
    file.parent.mkdir(parents=True)
    with closing(sqlite3.connect(file)) as made, made:
        made.execute("CREATE TABLE urls (url TEXT, visit_count INTEGER)")
        made.execute("INSERT INTO urls VALUES (?, 1)", (f"https://{HOST}/",))
    made.close()
    return tmp_path / "home"


def heard(kind: str, now: Settings, state: AgentState, told: EventRecord) -> str:
    sink = Heard()
    asyncio.run(guarded(sink, kind, lambda: now, Canaries(), state, os.urandom).send([told]))
    return sink.text


def test_they_are_asked_after_the_own_ones_and_only_where_it_is_said(
    tmp_path: Path, home: Path
) -> None:
    state = AgentState.open(tmp_path / "state")
    wanted = settings(tmp_path, '[agent]\nhosts = ["a.example"]\nhosts-from = ["chromium"]\n')
    found = asyncio.run(OwnHosts({"HOME": str(home)}).with_them(wanted, state))
    assert [one.host for one in found.targets] == ["a.example", HOST]
    for environment in ({}, {"HOME": "/"}, {"HOME": "elsewhere"}):
        assert asyncio.run(OwnHosts(environment).with_them(wanted, state)) == wanted
    plain = settings(tmp_path, '[agent]\nhosts = ["a.example"]\n')
    assert asyncio.run(OwnHosts({"HOME": str(home)}).with_them(plain, state)) == plain
    state.close()


def test_their_names_are_told_to_the_user_alone(tmp_path: Path) -> None:
    state = AgentState.open(tmp_path)
    now = settings(tmp_path, '[agent]\nhosts-from = ["chromium"]\n')
    assert HOST not in heard("http", now, state, event())
    assert HOST in heard("desktop", now, state, event())
    sends = settings(tmp_path, '[agent]\nhosts-from = ["chromium"]\ntell-names = true\n')
    assert HOST in heard("http", sends, state, event())
    state.close()


def test_hosts_of_the_settings_and_what_a_fleet_asked_for_are_told(tmp_path: Path) -> None:
    state = AgentState.open(tmp_path)
    now = settings(tmp_path, f'[agent]\nhosts = ["{HOST}"]\nhosts-from = ["chromium"]\n')
    assert HOST in heard("http", now, state, event())
    other = settings(tmp_path, '[agent]\nhosts-from = ["chromium"]\n')
    answer = replace(event("answer"), finding=None, question="q")
    assert HOST in heard("http", other, state, answer)
    canary = Canaries().rows()[0].host
    told = event(hosts=(f"{canary}:443",), seen=check(canary))
    assert canary in heard("http", other, state, told)
    state.close()


def test_what_stands_for_a_name_is_the_same_after_a_restart(tmp_path: Path) -> None:
    about = event(of="suspect", subject=f"host:{HOST}:443")
    now = settings(tmp_path, '[agent]\nhosts-from = ["chromium"]\n')
    told = []
    for _ in range(2):
        state = AgentState.open(tmp_path)
        told.append(heard("http", now, state, about))
        state.close()
    assert told[0] == told[1]
    assert '"id":"ffff' not in told[0]


def test_names_stay_when_the_setting_goes_and_without_it_nothing_is_kept_back(
    tmp_path: Path, home: Path
) -> None:
    state = AgentState.open(tmp_path / "state")
    wanted = settings(tmp_path, '[agent]\nhosts-from = ["chromium"]\n')
    gone = settings(tmp_path, "[agent]\n")
    assert HOST in heard("http", gone, state, event())
    asyncio.run(OwnHosts({"HOME": str(home)}).with_them(wanted, state))
    assert HOST not in heard("http", gone, state, event())
    state.close()


def exported(folder: Path) -> str:
    """All that other machines are shown of the state."""
    code, line = agent_line(read_snapshot(folder), AT, allow_sanctioned=False)
    return exposition(families(read_snapshot(folder))).decode() + line + str(code)


@pytest.mark.parametrize("tell", ["false", "true"])
def test_pages_for_others_name_a_host_of_the_users_only_where_names_are_told(
    tmp_path: Path, home: Path, tell: str
) -> None:
    state = AgentState.open(tmp_path)
    text = f'[agent]\nhosts-from = ["chromium"]\ntell-names = {tell}\n'
    asyncio.run(OwnHosts({"HOME": str(home)}).with_them(settings(tmp_path, text), state))
    by_host = FindingRecord("f" * 32, "suspect", f"host:{HOST}:443", AT, AT, (f"{HOST}:443",), 1)
    by_name = FindingRecord("e" * 32, "suspect", f"issuer:CN={HOST}", AT, AT, (f"{HOST}:443",), 1)
    stands = {one.id: Held(one, issuer=f"CN={HOST}") for one in (by_host, by_name)}
    state.commit({}, stands, [], 1 << 20)
    state.close()
    shown = exported(tmp_path)
    assert (HOST in shown) is (tell == "true")
    assert ("f" * 32 in shown) is (tell == "true"), "an id is a digest of the name"
    assert HOST in str(status({}, tmp_path, None)), "the user's own view"


def test_a_heartbeat_lists_what_stands_under_the_ids_that_were_told(tmp_path: Path) -> None:
    state = AgentState.open(tmp_path)
    now = settings(tmp_path, '[agent]\nhosts-from = ["chromium"]\n')
    about = event(of="suspect", subject=f"host:{HOST}:443")
    assert about.finding is not None
    state.commit({}, {about.finding.id: Held(about.finding)}, [], 1 << 20)
    opened = decode_event(heard("http", now, state, about).encode())
    beat = HeartbeatRecord(1.0, 60.0, here=(about.finding.id, "9" * 32))
    told = replace(event("heartbeat"), finding=None, check=None, heartbeat=beat)
    listed = decode_event(heard("http", now, state, told).encode())
    assert opened.finding is not None
    assert listed.heartbeat is not None
    assert listed.heartbeat.here[0] == opened.finding.id != about.finding.id
    assert "9" * 32 not in listed.heartbeat.here
    state.close()


def test_who_signs_himself_is_not_named_by_his_issuer(tmp_path: Path) -> None:
    state = AgentState.open(tmp_path)
    now = settings(tmp_path, '[agent]\nhosts-from = ["chromium"]\n')
    about = event(of="suspect", subject=f"host:{HOST}:443", seen=check(issuer=f"CN={HOST}"))
    assert about.finding is not None
    about = replace(about, finding=replace(about.finding, who=f"CN={HOST}"))
    assert HOST not in heard("http", now, state, about)
    state.close()
