"""What an agent claims is shown as that until its observation proves it; what it lost is unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from addons.fleet import listing
from addons.fleet.correlated import agreed, correlate_now
from addons.fleet.correlating import correlate
from addons.fleet.database import FleetDatabase, open_database
from addons.fleet.members import Member
from addons.fleet.overview import Agent, Fleet, Group, Place
from addons.fleet.proving import prove
from addons.fleet.queries import FleetQueries
from addons.fleet.unheard import enrolled, unheard
from tests.fleet.keeping import keep
from tests.fleet.telling import (
    HOUR,
    MINUTE,
    START,
    finding,
    heartbeat,
    key_digest,
    name,
    network,
    notice,
)

OFFICE = network("office")


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Callable[[FleetDatabase], Awaitable[Any]]], Any]:
    def go(work: Callable[[FleetDatabase], Awaitable[Any]]) -> Any:
        async def whole() -> Any:
            database = await open_database(str(tmp_path / "fleet.sqlite3"))
            try:
                return await work(database)
            finally:
                await database.close()

        return asyncio.run(whole())

    return go


Run = Callable[[Callable[[FleetDatabase], Awaitable[Any]]], Any]


async def proofs(database: FleetDatabase) -> dict[str, str]:
    return {one.name: one.proof for one in await listing.findings(database)}


def test_what_no_observation_of_its_own_proves_is_claimed_and_counted_nowhere(run: Run) -> None:
    replace = msgspec.structs.replace
    good = finding(1, where=OFFICE)
    copied, framed, elsewhere = (finding(n, where=OFFICE) for n in (4, 5, 6))
    assert framed.finding is not None
    assert elsewhere.finding is not None
    told = [
        good,
        finding(2, where=OFFICE, bare=True),
        finding(3, where=OFFICE, proved=False),
        replace(copied, observation=None, check=None),
        # An honest interception, held out as another key's.
        replace(framed, finding=replace(framed.finding, subject="spki:" + key_digest("another"))),
        # And of a host that is none of the finding's.
        replace(elsewhere, finding=replace(elsewhere.finding, hosts=("bank.example:443",))),
    ]  # fmt: skip

    async def work(database: FleetDatabase) -> None:
        await keep(database, told)
        assert set((await proofs(database)).values()) == {"claimed"}
        assert await prove(database) == (6, 1)
        found = await proofs(database)
        assert found.pop("laptop-1") == "proven"
        assert set(found.values()) == {"not-borne-out"}
        counts = await FleetQueries(database, START).counts()
        assert (counts.intercepted, counts.open["interception"], counts.claimed) == (1, 1, 5)
        (group,) = await listing.grouped(database, "network")
        assert (group.agents, group.findings, group.claimed) == (1, 1, 5)
        assert await correlate_now(database, START + HOUR) == []

    run(work)


def test_a_proof_is_of_one_subject_and_no_later_word_inherits_it(run: Run) -> None:
    first = finding(1, where=OFFICE)
    assert first.finding is not None
    later = finding(1, "changed", START + MINUTE, where=OFFICE, bare=True)
    later = msgspec.structs.replace(
        later,
        finding=msgspec.structs.replace(first.finding, subject="spki:" + key_digest("framed")),
    )

    async def work(database: FleetDatabase) -> None:
        await keep(database, [first])
        await prove(database)
        await keep(database, [finding(1, "changed", START, where=OFFICE, bare=True)])
        assert await proofs(database) == {"laptop-1": "proven"}
        await keep(database, [later])
        assert await proofs(database) == {"laptop-1": "claimed"}
        await prove(database)
        assert await proofs(database) == {"laptop-1": "not-borne-out"}

    run(work)


def test_after_a_lost_state_findings_are_unknown_until_told_again(run: Run) -> None:
    async def work(database: FleetDatabase) -> None:
        await keep(database, [finding(1, where=OFFICE), finding(2, where=OFFICE)])
        await prove(database)
        await keep(database, [notice(1, "state-lost", START + HOUR)])
        await prove(database)
        assert await proofs(database) == {"laptop-1": "unknown", "laptop-2": "proven"}
        await keep(database, [finding(1, at=START + 2 * HOUR, where=OFFICE)])
        await prove(database)
        assert await proofs(database) == {"laptop-1": "proven", "laptop-2": "proven"}

    run(work)


def test_an_agent_that_was_enrolled_and_never_heard_leaves_a_trace(
    run: Run, tmp_path: Path
) -> None:
    def member(device: object) -> Member:
        key, at = name(device), START.isoformat()
        return Member(key, "agent", name(f"device {device}"), "x", "linux", at, None, None, "")

    async def work(database: FleetDatabase) -> None:
        await keep(database, [heartbeat(1)])
        never = await unheard(database, [member(1), member(2)], START + HOUR)
        assert [one.name for one in never] == [name("device 2")]
        assert await unheard(database, [member(3)], START + MINUTE) == []  # it has just come
        assert (await listing.last_heard(database)).keys() == {name("device 1")}

    run(work)
    assert enrolled(tmp_path / "nowhere") is None


def test_who_cannot_look_is_told_and_a_name_in_a_heartbeat_is_no_mood(run: Run) -> None:
    async def work(database: FleetDatabase) -> None:
        await keep(database, [heartbeat(0), heartbeat(1, mood="captive"), heartbeat(2)])
        await database.write(
            [("UPDATE agent SET heartbeat = ? WHERE device = ?", [
                (r'{"up":1.0,"every":900.0,"sinks":[{"name":"\"mood\":\"captive\"","waiting":0}]}', name("device 2")),
            ])]
        )  # fmt: skip
        (one,) = await listing.blind(database, START)
        assert (one.device, one.mood) == (name("device 1"), "captive")
        queries = FleetQueries(database, START)
        assert (await queries.counts()).cannot_look == 1
        (row,) = (await queries.agents(state="cannot look")).rows
        assert row.mood == "captive"

    run(work)


def test_versions_and_counts_of_a_stranger_fill_no_page(run: Run) -> None:
    told = finding(1, where=OFFICE)
    assert told.finding is not None
    evil = msgspec.structs.replace(
        told,
        finding=msgspec.structs.replace(told.finding, host_count=(1 << 31) - 1),
        versions=msgspec.structs.replace(told.versions, tlsight="URGENT: call 555-1234"),
    )

    async def work(database: FleetDatabase) -> None:
        await keep(database, [evil, heartbeat(2)])
        queries = FleetQueries(database, START)
        assert await queries.versions() == ["1.0"]
        row = await queries.agent(name("device 1"))
        assert row is not None
        assert row.version == "no version"
        (found,) = (await queries.findings()).rows
        assert (found.more, found.seen_on) == ("more than 2000", "more than 2000 hosts")

    run(work)


def test_what_agents_say_of_a_network_counts_where_they_agree() -> None:
    assert agreed({"a": ("g", "s")}) == ("g", "s")
    assert agreed({"a": ("g", ""), "b": ("g", ""), "c": ("other", "s")}) == ("g", "")
    assert agreed({"a": ("g", ""), "b": ("other", "")}) == ("", "")


def group(net: str, *devices: str) -> Group:
    return Group("spki:k", net, False, devices, (), START, START)


def test_one_agents_word_makes_no_two_places_one() -> None:
    groups = [group("c", "evil"), group("a", "a1"), group("b", "b1")]
    places = {
        "a": Place("a", START, gateway="ga"),
        "b": Place("b", START, ssid="sb"),
        "c": Place("c", START, gateway="ga", ssid="sb", sure=False),
    }
    found = correlate(Fleet(groups, places=places), START + HOUR)
    assert [one.kind for one in found] == ["key-at-places"]
    places["c"] = Place("c", START, gateway="ga", ssid="sb")
    assert correlate(Fleet(groups, places=places), START + HOUR) == []


def test_agents_that_joined_together_are_said_to_claim() -> None:
    devices = [f"d{n}" for n in range(4)]

    def said(apart: int) -> str:
        agents = [
            Agent(one, "n", START, START + HOUR, first=START + n * apart * MINUTE)
            for n, one in enumerate(devices)
        ]
        (found,) = correlate(Fleet([group("n", *devices)], agents), START + HOUR)
        return found.headline

    assert "claimed by 4 agents that joined within minutes" in said(1)
    assert "claimed" not in said(60)
