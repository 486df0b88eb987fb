"""One agent over a state of its own: what it keeps, tells and takes from others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from detector.agent import budget, spool
from detector.agent.canaries import Canaries, patterns_of, read_canaries
from detector.agent.core import Core
from detector.agent.findings import Place, step
from detector.agent.known import Known
from detector.agent.loop import open_core
from detector.agent.retold import resalt, standing
from detector.agent.round import proven, whom
from detector.agent.settings import load
from detector.errors import ConfigError
from detector.knowledge.shipped import CanaryHost
from detector.lab.origin import Origin
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Observation, Target
from detector.net.probe import ProbeOptions, probe
from detector.report.event_json import EventRecord, NoticeRecord
from tests.agent.test_findings import HOUR, NOON, OFFICE, bad, doubtful, good

DAY = timedelta(days=1)


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    pki = LabPki()
    (tmp_path / "root.pem").write_text(pki.root.pem)
    path = tmp_path / "agent.toml"
    path.write_text('[agent]\nroots = "root.pem"\nhosts = ["shop.test"]\ntrust = false\n')
    for name in ("root.pem", "agent.toml"):
        (tmp_path / name).chmod(0o600)
    found = open_core(load(path), {"HOME": str(tmp_path)}, tmp_path / "state", lambda _: None)
    yield found
    found.close()
    found.state.close()


def kept(core: Core) -> list[EventRecord]:
    return list(spool.latest(core.state.database, 100))


def sink_behind(authority: Authority) -> Observation:
    """What the agent sees of a sink that this CA answers for."""

    async def look() -> Observation:
        async with Origin({"siem.test": authority.issue("siem.test")}) as origin:
            target = Target("siem.test", sni="siem.test")
            return await probe(target, ProbeOptions(connect_to=("127.0.0.1", origin.port)))

    return asyncio.run(look())


def test_a_disk_that_is_full_keeps_notices_in_memory_and_says_so_once(core: Core) -> None:
    said: list[str] = []
    core._say = said.append
    db = core.state.database.db
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages}")
    for number in range(30):
        core.notice("online", f"{number} " + "x" * 2000)
    assert len(said) == 1
    assert "free some space" in said[0]
    before = len(kept(core))
    db.execute("PRAGMA max_page_count = 100000")
    core.notice("online", "again")
    assert len(kept(core)) == 31
    assert before < 31
    assert not core.damaged


def test_a_sink_behind_a_ca_of_nobody_knows_whom_is_told_and_accuses_nobody(core: Core) -> None:
    gate = Authority("Gateway CA")
    seen = sink_behind(gate)
    core.sink_told(NoticeRecord("sink-failing", "sink siem does not deliver", "siem"), seen)
    codes = [event.notice.code for event in kept(core) if event.notice is not None]
    assert codes == ["sink-failing"]
    # Suspicion alone accuses nobody.
    assert [event for event in kept(core) if event.finding is not None] == []
    core.sink_told(NoticeRecord("sink-again", "sink siem delivers again", "siem"), None)
    assert len(kept(core)) == 2


def test_what_a_fleet_sets_is_in_force_at_once_and_what_it_may_not_set_changes_nothing(
    core: Core,
) -> None:
    core.take_list("configuration", b'[agent]\nevery = "2h"\nname = true\n', 1)
    assert core.settings.every == 7200
    assert core.teller.named
    with pytest.raises(ConfigError, match="may not set"):
        core.take_list("configuration", b'[agent]\nproxy = "http://evil.example:1"\n', 2)
    assert core.settings.every == 7200
    core.take_list("configuration", b"[agent]\n", 3)
    assert core.settings.every == 3600


def test_a_fleets_canaries_replace_the_shipped_ones_or_are_refused_whole(core: Core) -> None:
    core.take_list("canaries", b'[[canary]]\nhost = "one.example"\nowner = "One"\n', 1)
    assert [row.host for row in core.canaries.rows()] == ["one.example"]
    for broken in (
        b"",
        b"[[canary]]\nhost = 1\n",
        b'[[canary]]\nhost = "A.example"\nowner = "x"\n',
    ):
        with pytest.raises(ConfigError):
            core.take_list("canaries", broken, 2)
    assert [row.host for row in core.canaries.rows()] == ["one.example"]


def test_hosts_that_the_gateway_passes_are_not_drawn(core: Core, tmp_path: Path) -> None:
    rules = (
        b'[{"row": {"pattern": "*.bank.example"}, "state": "approved"}, {"pattern": "x.example"}]'
    )
    assert sorted(patterns_of(rules)) == ["*.bank.example", "x.example"]
    assert list(patterns_of(b"# ours\n*.bank.example\n\nx.example\n!!\n")) == [
        "*.bank.example",
        "x.example",
    ]
    assert list(patterns_of(b'{"a": 1')) == []
    canaries = Canaries()
    canaries.pass_over(rules)
    path = tmp_path / "plain.toml"
    path.write_text("[agent]\ncanaries = 5\n")
    path.chmod(0o600)
    rows = [CanaryHost(f"{n}.bank.example", f"{n}") for n in range(5)] + [
        CanaryHost("free.example", "F")
    ]
    asking = whom({}, OFFICE, load(path), rows, 0, 20, Random(1), canaries.passed)
    assert [target.host for target in asking.targets] == ["free.example"]


def test_what_stands_is_asked_first_then_canaries_then_the_next_part_of_the_own_list(
    tmp_path: Path,
) -> None:
    path = tmp_path / "agent.toml"
    hosts = ", ".join(f'"own{number}.example:8443"' for number in range(10))
    path.write_text(f"[agent]\ncanaries = 2\nhosts = [{hosts}]\n")
    path.chmod(0o600)
    settings = load(path)
    stands = step({}, [bad("a.example")], OFFICE, NOON).after
    rows = [CanaryHost(f"c{number}.example", f"{number}") for number in range(9)]
    asking = whom(stands, OFFICE, settings, rows, 8, 6, Random(1))
    named = [f"{target.host}:{target.port}" for target in asking.targets]
    assert named[0] == "a.example:443"
    assert len(asking.witnesses) == 3
    assert not set(asking.witnesses) & {target.host for target in asking.targets}
    assert named[3:] == [f"own{number}.example:8443" for number in (8, 9, 0, 1)]
    assert asking.next_part == 2
    elsewhere = whom(stands, Place("0" * 32), settings, rows, 0, 6, Random(1))
    assert "a.example" not in {target.host for target in elsewhere.targets}


def test_read_canaries_bounds_what_a_fleet_may_send() -> None:
    with pytest.raises(ConfigError, match="larger"):
        read_canaries(b"#" * (5 << 20))


def test_a_heartbeat_tells_what_was_used_since_the_last_one(core: Core) -> None:
    core.counted.checked = 7
    assert core.heartbeat(900.0)
    first = kept(core)[-1]
    assert first.heartbeat is not None
    assert (first.heartbeat.checked, first.heartbeat.every) == (7, 900.0)
    assert first.heartbeat.memory > 10_000_000
    assert core.heartbeat(900.0)
    assert kept(core)[-1].heartbeat.checked == 0  # type: ignore[union-attr]


def test_over_budget_is_told_once_a_day_and_the_day_ends() -> None:
    limits = budget.Limits(processor=0.1, traffic=1000, memory=1)
    use = budget.Use(NOON)
    nothing = budget.Measured(0, 0, 0)
    use = budget.used(use, nothing, budget.Measured(100.0, 900, 0), 10, NOON + HOUR)
    assert budget.stretches(use, limits)
    assert len(budget.over(use, limits, 2_000_000)) == 2
    later = budget.used(use, nothing, budget.Measured(1.0, 10, 0), 1, NOON + DAY)
    assert (later.cpu, later.since) == (1.0, NOON + DAY)
    assert not budget.stretches(later, limits)
    back = budget.used(use, nothing, nothing, 0, NOON - DAY)
    assert back.since == NOON - DAY


def test_a_run_asks_no_more_than_a_day_of_runs_may_cost() -> None:
    limits = budget.Limits()
    assert budget.room(budget.Use(NOON), limits, 3600) == 17
    dear = budget.Use(NOON, traffic=1_000_000, targets=10)
    assert budget.room(dear, limits, 3600) == 4
    assert budget.room(budget.Use(NOON), limits, 60) == 4


def test_memory_is_that_of_this_process() -> None:
    assert 10_000_000 < budget.resident() < 2_000_000_000


def test_a_fleet_may_ask_of_private_places_that_the_settings_or_the_policy_name_alone(
    core: Core, tmp_path: Path
) -> None:
    assert core.known.is_own("shop.test")
    assert not core.known.is_own("router.corp.example")
    policy = tmp_path / "policy.toml"
    policy.write_text('internal = ["*.corp.example"]\n')
    path = tmp_path / "own.toml"
    path.write_text('[agent]\nroots = "root.pem"\npolicy = "policy.toml"\n')
    for name in (policy, path):
        name.chmod(0o600)
    known = Known(load(path), {"HOME": str(tmp_path)}, lambda _: None)
    assert known.is_own("router.corp.example")
    assert not known.is_own("shop.test")
    policy.unlink()
    assert not known.is_own("router.corp.example"), "in doubt it may not"
    known.close()


def test_log_in_pages_on_the_ports_that_a_run_checked_are_a_captive_portal(
    core: Core, tmp_path: Path
) -> None:
    """A portal that lets the usual questions pass: nothing but the run itself can see it."""
    page = (
        b"HTTP/1.1 302 Found\r\nLocation: http://login.hotel.example/\r\nContent-Length: 0\r\n\r\n"
    )

    async def portal(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await reader.read(100)
        writer.write(page)
        await writer.drain()
        writer.close()

    async def go() -> None:
        server = await asyncio.start_server(portal, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            path = tmp_path / "agent.toml"
            path.write_text(
                f'[agent]\nroots = "root.pem"\nhosts = ["shop.test", "bank.test"]\n'
                f'proxy = "http://127.0.0.1:{port}"\ntimeout = 2.0\n'
            )
            core.settings = load(path)
            await core.round()

    asyncio.run(go())
    assert core.mood is not None
    assert core.mood.word == "captive"
    codes = [one.notice.code for one in kept(core) if one.notice is not None]
    assert "captive-portal" in codes


def test_a_disk_that_is_full_lets_findings_past_the_spool_each_once(core: Core) -> None:
    said: list[str] = []
    passed: list[EventRecord] = []

    async def take(events: Sequence[EventRecord]) -> None:
        passed.extend(events)

    async def live() -> None:
        found = step(core.stands, [bad("a.example")], OFFICE, NOON)
        events = core.teller.findings(found.told, "run")
        assert not core.keep(found.after, events)
        assert not core.keep(found.after, core.teller.findings(found.told, "run"))
        await asyncio.sleep(0)

    core.past._say = core._say = said.append
    core.past.give = take
    db = core.state.database.db
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages}")
    for number in range(30):
        core.notice("online", f"{number} " + "x" * 2000)
    asyncio.run(live())
    assert [event.kind for event in passed] == ["opened"]
    assert [line for line in said if line.startswith("not kept: interception opened")]
    assert not any("no-history" in line for line in said)


def test_a_sink_that_comes_later_is_told_what_stands(core: Core) -> None:
    found = step(core.stands, [bad("a.example")], OFFICE, NOON)
    core.keep(found.after, core.teller.findings(found.told, "run"))
    (told,) = standing(core)
    (opened,) = (event for event in kept(core) if event.finding is not None)
    assert told.kind == "opened"
    assert told.finding == opened.finding
    assert told.changes == ("stands since 2026-11-30 12:00:00Z",)


def test_findings_under_an_old_salt_are_closed_with_it_and_looked_for_again(core: Core) -> None:
    found = step(core.stands, [bad("a.example")], OFFICE, NOON)
    core.keep(found.after, [])
    resalt(core)
    assert all(held.is_open for held in core.stands.values())
    core.state.keep_facts(salt="ab" * 32)
    resalt(core)
    assert not any(held.is_open for held in core.stands.values())
    (closed,) = kept(core)
    assert (closed.kind, closed.changes) == ("closed", ("told again under the fleet's networks",))
    assert core.state.fact("salt") == core.who.salt.hex()
    assert core.state.fact("next-run")
    resalt(core)
    assert len(kept(core)) == 1


def test_behind_a_portal_two_are_asked_and_only_proof_counts(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    hosts = ", ".join(f'"own{number}.example:8443"' for number in range(10))
    path.write_text(f"[agent]\ncanaries = 5\nhosts = [{hosts}]\n")
    path.chmod(0o600)
    rows = [CanaryHost(f"c{number}.example", f"{number}") for number in range(9)]
    asking = whom({}, OFFICE, load(path), rows, 8, 60, Random(1), few=True)
    assert [target.host[0] for target in asking.targets] == ["c", "c"]
    seen = proven([bad("a.example"), doubtful("b.example"), good("c.example")])
    assert [one.standing for one in seen] == ["shows", "silent", "fine"]


def test_what_made_it_dear_is_told_and_one_peer_cannot_make_it_so() -> None:
    dear = budget.Use(NOON, traffic=6_000_000, targets=60)
    (why,) = budget.reasons(dear)
    assert "60 targets took 100000 bytes each" in why
    assert budget.reasons(budget.Use(NOON, traffic=600_000, targets=60)) == ()
    limits = budget.Limits()
    # Four targets an hour at the very most that each may send.
    assert budget.room(dear, limits, 3600) * budget.MOST_OF_A_PEER < limits.traffic / 8
