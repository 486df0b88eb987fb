"""`tlsight agent` against a real mitmproxy: what it tells, keeps, and survives."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.agent_world import AT_MOST, AgentWorld, Running, Surroundings
from tests.live.waiting import PATIENCE, until

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    with Surroundings(tmp_path_factory.mktemp("world")) as found:
        yield found


@pytest.fixture
def world(surroundings: Surroundings, tmp_path: Path) -> AgentWorld:
    return surroundings.agent(tmp_path)


def test_an_interceptor_is_told_once_and_closed_when_it_is_gone_twice(world: AgentWorld) -> None:
    first = world.started("once")
    assert (first.returncode, first.stdout, first.stderr) == (1, "", "")
    assert world.told() == ["opened"]
    (opened,) = (event for event in world.events() if "finding" in event)
    assert opened["finding"]["host_count"] == 2
    assert opened["check"]["interceptor"]["engine"] == "mitmproxy"
    assert opened["observation"]["chain"]
    assert world.once().returncode == 1
    assert world.told() == ["opened"]
    world.intercept(on=False)
    assert world.once().returncode == 0
    assert world.told() == ["opened"]
    world.once()
    assert world.told() == ["opened", "closed"]
    assert not world.status()["findings"]
    beats = [event["heartbeat"] for event in world.events() if "heartbeat" in event]
    assert [len(beat["here"]) for beat in beats] == [1, 1, 1, 0]
    assert all(beat["cpu"] > 0 and beat["sent"] > 1000 for beat in beats)
    assert 10e6 < beats[0]["memory"] < 60e6


def test_kill_9_at_any_moment_tells_every_finding_exactly_once(world: AgentWorld) -> None:
    began = time.monotonic()
    world.once()
    took = time.monotonic() - began
    chance, killed = random.Random(7), 0
    for number in range(14):
        world.intercept(on=number % 7 < 4)
        try:
            world.once(timeout=chance.uniform(0.05, 1.1) * took)
        except subprocess.TimeoutExpired:
            killed += 1
    assert killed
    world.intercept(on=True)
    assert world.once().returncode == 1
    standing: dict[str, str] = {}
    for event in world.events():
        if "finding" not in event:
            continue
        name = event["finding"]["id"]
        if event["kind"] == "opened":
            assert name not in standing
        if event["kind"] == "closed":
            assert name in standing
        standing[name] = event["kind"]
    still = {name for name, kind in standing.items() if kind != "closed"}
    assert still == {one["finding"]["id"] for one in world.status()["findings"]}
    assert len(still) == 1
    assert len({event["id"] for event in world.events()}) == len(world.events())


def test_a_running_agent_lives_through_signals_bad_settings_and_a_second_one(
    world: AgentWorld,
) -> None:
    with Running(world) as agent:
        until(lambda: world.told() == ["opened"])
        second = world.once()
        assert second.returncode == 4
        assert "another agent keeps its state here" in second.stderr
        assert second.stderr.count("\n") == 1
        world.extra = "evry = 5"
        world.settings()
        agent.hangup()
        until(lambda: "config-refused" in world.notices())
        assert "evry" in agent.said()
        world.extra = 'name = true\nheartbeat = "15m"'
        world.settings()
        agent.hangup()
        until(lambda: world.events()[-1].get("heartbeat", {}).get("every") == 900.0)
        assert world.events()[-1]["device"]["name"]
        assert world.status()["running"]
        agent.terminate()
        assert agent.process.returncode == 0
        assert agent.process.stdout is not None
        assert agent.process.stdout.read() == b""
    assert world.notices() == ["started", "config-refused", "stopping"]
    assert not world.status()["running"]


def test_an_agent_in_the_middle_of_a_run_ends_at_once_and_finds_it_again(world: AgentWorld) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        path = world.settings((f"127.0.0.1:{silent.getsockname()[1]}",))
        slow = path.read_text().replace("timeout = 30.0", f"timeout = {AT_MOST}")
        path.write_text(slow.replace(world.proxy.url, "none"))
        with Running(world) as agent:
            silent.settimeout(PATIENCE)
            connection, _ = silent.accept()
            agent.terminate()
            connection.close()
    assert world.notices() == ["started", "stopping"]
    assert world.told() == []


def test_a_damaged_state_is_set_aside_and_the_device_stays_itself(world: AgentWorld) -> None:
    world.once()
    (before,) = (event for event in world.events() if "finding" in event)
    database = world.state / "agent.sqlite3"
    database.write_bytes(b"not a database, however one looks at it" * 200)
    again = world.once()
    assert again.returncode == 1
    assert again.stderr.count("\n") == 1
    assert "was damaged and is begun anew" in again.stderr
    assert (world.state / "agent.sqlite3.damaged-1").exists()
    assert world.notices() == ["state-lost"]
    (after,) = (event for event in world.events() if "finding" in event)
    assert after["finding"]["id"] == before["finding"]["id"]
    assert after["device"]["id"] == before["device"]["id"]


def test_a_full_disk_ends_no_agent_and_loses_nothing_that_was_kept(world: AgentWorld) -> None:
    world.once()
    kept = world.events()
    full = world.folder / "full"
    # The state on a file system of its own, of which nothing is left.
    script = (
        f"mkdir -p {full} && mount -t tmpfs -o size=512k tmpfs {full} && cp -a {world.state}/. {full}/"
        f" && (cat /dev/zero > {full}/filler; true) 2>/dev/null; "
        f"STATE_DIRECTORY={full} timeout 30 {' '.join(world.command('once'))}; code=$?; "
        f"rm {full}/filler; cp -a {full}/. {world.state}/; exit $code"
    )
    world.intercept(on=False)
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], env=world.surroundings(), capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert "free some space" in done.stderr
    assert world.events()[: len(kept)] == kept
    assert len(world.status()["findings"]) == 1
    for _ in range(5):  # two that meet answers; a busy machine may keep some to itself
        if world.told() == ["opened"]:
            world.once()
    assert world.told() == ["opened", "closed"]


def test_events_reach_a_sink_and_are_not_told_again(world: AgentWorld) -> None:
    told = world.folder / "events.ndjson"
    world.sinks = f'[[sink]]\nkind = "file"\npath = "{told}"'
    world.settings()
    world.once()
    world.once()
    lines = [json.loads(line) for line in told.read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["opened", "heartbeat", "heartbeat"]
    said = world.run("status").stdout
    assert "sink       file: 0 events wait\n" in said
    assert "interception: " in said
    assert world.run("events", "-n", "1").stdout.endswith("alive, 1 findings here\n")
    (sink,) = world.status()["sinks"]
    assert sink == {"name": "file", "waiting": 0, "trouble": ""}
