"""An agent's state as metrics: from its real database, through the textfile sink, to who reads it."""

from __future__ import annotations

import asyncio
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec import structs
from prometheus_client.parser import text_string_to_metric_families as read

from detector.agent import spool
from detector.agent.budget import Limits, Use
from detector.agent.exposition import collector
from detector.agent.finding import Held
from detector.agent.mood import Mood
from detector.agent.sinks import SinkError, Surroundings
from detector.agent.sinks.textfile import Settings, open_sink
from detector.agent.snapshot import read_snapshot
from detector.agent.state import AgentState
from detector.cli.agent_nagios import agent_line
from detector.errors import StoreError
from detector.report.event_json import FindingRecord, NetworkRecord
from tests.agent.sample_events import NOON, finding, heartbeat

LATER = NOON + timedelta(minutes=10)
HERE = NetworkRecord("n" * 64)


def held(name: str, *, sanctioned: bool = False, closed: datetime | None = None) -> Held:
    record = FindingRecord(
        name, "interception", "issuer:CN=Gateway", NOON, LATER, ("a.example:443",), 3
    )
    return Held(record, HERE, "CN=Gateway", "Squid", None, sanctioned, closed=closed)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The folder of an agent that has lived: two findings open, one closed, a sink that is behind."""
    opened = AgentState.open(tmp_path)
    spool.configure(opened.database, ("file", "http"))
    after = {
        one.id: one
        for one in (held("a" * 32), held("b" * 32, sanctioned=True), held("c" * 32, closed=LATER))
    }
    use = msgspec.json.encode(Use(NOON, cpu=1.5, traffic=4000, targets=6)).decode()
    facts = {"device": "d" * 32, "use": use, "lost": "2", "next-run": LATER.isoformat()}
    opened.commit({}, after, [finding(1), heartbeat(2), finding(3)], 1 << 20, facts)
    with opened.database.db as db:
        db.execute("UPDATE sink SET done = 3 WHERE name = 'file'")
        db.execute(
            "UPDATE sink SET trouble = 'answers 503', since = ? WHERE name = 'http'",
            (NOON.isoformat(),),
        )
    opened.close()
    return tmp_path


def samples(text: bytes) -> dict[str, dict[tuple[str, ...], float]]:
    """By name and the labels' values."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in read(text.decode()):
        for one in family.samples:
            found.setdefault(one.name, {})[tuple(one.labels.values())] = one.value
    return found


def test_open_findings_sinks_budget_and_life_are_told(state: Path) -> None:
    told = samples(collector(state, Limits())())
    assert told["tlsight_findings"] == {
        ("interception", "false"): 1, ("interception", "true"): 1, ("suspect", "false"): 0, ("suspect", "true"): 0,
        ("trust", "false"): 0, ("trust", "true"): 0, ("sink", "false"): 0, ("sink", "true"): 0,
    }  # fmt: skip
    info = (
        "a" * 32,
        "interception",
        "issuer:CN=Gateway",
        "false",
        "n" * 64,
        "Squid",
        "",
        "CN=Gateway",
    )
    assert told["tlsight_finding_info"][info] == 1
    assert told["tlsight_finding_hosts"] == {("a" * 32,): 3, ("b" * 32,): 3}
    assert told["tlsight_finding_opened_timestamp_seconds"]["a" * 32,] == NOON.timestamp()
    assert told["tlsight_sink_waiting_events"] == {("file",): 0, ("http",): 3}
    assert told["tlsight_sink_failing"] == {("file",): 0, ("http",): 1}
    assert told["tlsight_sink_failing_since_timestamp_seconds"] == {("http",): NOON.timestamp()}
    assert told["tlsight_events_lost_total"][()] == 2
    assert told["tlsight_agent_day_cpu_seconds"][()] == 1.5
    assert told["tlsight_agent_budget_cpu_seconds"][()] == 86.4
    assert told["tlsight_agent_budget_memory_bytes"][()] == 80_000_000
    assert told["tlsight_agent_next_run_timestamp_seconds"][()] == LATER.timestamp()
    assert told["tlsight_agent_heartbeat_timestamp_seconds"][()] == heartbeat(2).at.timestamp()
    assert told["tlsight_agent_uptime_seconds"][()] == 120
    assert told["tlsight_agent_info"] == {("d" * 32,): 1}


def test_a_state_that_is_not_there_is_said_and_not_made(tmp_path: Path) -> None:
    told = samples(collector(tmp_path / "none")())
    assert told["tlsight_agent_state_readable"][()] == 0
    assert not (tmp_path / "none").exists()
    with pytest.raises(StoreError):
        read_snapshot(tmp_path / "none")


def test_a_damaged_row_does_not_hide_the_others(state: Path) -> None:
    opened = AgentState.open(state)
    with opened.database.db as db:
        db.execute("INSERT INTO finding VALUES ('x', '', '9', x'7b')")
        db.execute("UPDATE event SET body = x'00' WHERE urgent = 0")
    opened.close()
    seen = read_snapshot(state)
    assert len(seen.findings) == 2
    assert seen.heartbeat is None


def around(state: Path) -> Surroundings:
    return Surroundings("d" * 32, state, lambda: datetime.now(UTC), lambda _: None)


def test_the_textfile_is_whole_readable_by_all_and_of_now(state: Path, tmp_path: Path) -> None:
    path = tmp_path / "tlsight.prom"
    before = os.umask(0o077)  # as a unit's
    try:
        sink = open_sink(Settings(path=str(path)), around(state))
        asyncio.run(sink.send([finding(1)]))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert samples(path.read_bytes())["tlsight_findings"]["interception", "false"] == 1
    assert [one.name for one in path.parent.glob("*.part")] == []
    opened = AgentState.open(state)
    closing = {"a" * 32: held("a" * 32)}
    opened.commit(closing, {}, [finding(4, "closed")], 1 << 20)
    opened.close()
    asyncio.run(sink.send([finding(4, "closed")]))
    assert samples(path.read_bytes())["tlsight_findings"]["interception", "false"] == 0


def test_a_folder_that_is_not_there_keeps_the_events(state: Path, tmp_path: Path) -> None:
    sink = open_sink(Settings(path=str(tmp_path / "none" / "tlsight.prom")), around(state))
    with pytest.raises(SinkError):
        asyncio.run(sink.send([finding(1)]))


@pytest.mark.parametrize("path", ["tlsight.prom", "/var/lib/tlsight.txt", ""])
def test_a_textfile_that_the_collector_would_not_read_is_refused(path: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"path": path}, Settings)


def test_nagios_hears_of_findings_first_then_of_silence_then_of_sinks(state: Path) -> None:
    seen = read_snapshot(state)
    now = heartbeat(2).at + timedelta(minutes=1)
    code, line = agent_line(seen, now, allow_sanctioned=True)
    assert code == 2
    assert line.startswith(
        "TLSIGHT AGENT CRITICAL - interception a.example:443 by Squid; sink http: answers 503 | 'findings'=1 'waiting'=3 'heartbeat_age'=60s"
    )
    quiet = structs.replace(seen, findings=(), sinks=())
    assert agent_line(quiet, now, allow_sanctioned=False)[1].startswith(
        "TLSIGHT AGENT OK - no finding is open | "
    )
    assert agent_line(quiet, now + timedelta(days=1), allow_sanctioned=False)[0] == 3
    assert agent_line(structs.replace(quiet, heartbeat=None), now, allow_sanctioned=False)[0] == 3
    assert agent_line(structs.replace(quiet, sinks=seen.sinks), now, allow_sanctioned=False)[0] == 1


def test_nagios_and_prometheus_hear_that_no_finding_says_nothing_behind_a_portal(
    state: Path,
) -> None:
    opened = AgentState.open(state)
    mood = Mood("captive", NOON, 3600.0)
    opened.keep_facts(mood=msgspec.json.encode(mood).decode())
    opened.close()
    seen = structs.replace(read_snapshot(state), findings=(), sinks=())
    assert seen.mood == mood
    quick = NOON + timedelta(minutes=40)
    beating = structs.replace(seen, heartbeat=structs.replace(heartbeat(2), at=quick))
    assert agent_line(beating, quick, allow_sanctioned=False)[0] == 0
    late = NOON + timedelta(minutes=90)
    beating = structs.replace(seen, heartbeat=structs.replace(heartbeat(2), at=late))
    code, line = agent_line(beating, late, allow_sanctioned=False)
    assert code == 3
    assert line.startswith("TLSIGHT AGENT UNKNOWN - behind a captive portal for 1.5 h: next to")
    told = samples(collector(state, Limits())())
    assert told["tlsight_agent_mood"] == {
        ("open",): 0, ("captive",): 1, ("offline",): 0, ("unknown",): 0, ("blocked",): 0,
    }  # fmt: skip
    assert told["tlsight_agent_mood_since_timestamp_seconds"] == {(): NOON.timestamp()}


def test_nagios_says_of_trust_what_is_said_of_it(state: Path) -> None:
    record = FindingRecord("d" * 32, "trust", "root:" + "a" * 64, NOON, NOON)
    root = Held(record, about="Gateway CA is a root of Fiddler's")
    seen = structs.replace(read_snapshot(state), findings=(root,), sinks=())
    code, line = agent_line(seen, heartbeat(2).at, allow_sanctioned=False)
    assert code == 1
    assert "WARNING - trust Gateway CA is a root of Fiddler's |" in line
