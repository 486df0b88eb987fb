"""Hosts of the user's: asked where that is wanted, and told to nobody else."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from detector.agent.canaries import Canaries
from detector.agent.own_hosts import OwnHosts, guarded
from detector.agent.settings import Settings, load
from detector.agent.state import AgentState
from detector.report.event_json import EventRecord, encode_event
from tests.agent.told import HOST, check, event


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
    with sqlite3.connect(file) as made:
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
