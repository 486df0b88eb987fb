"""What is kept of a fleet, asked for and given as values; and as JSON, schema tlsight.fleet/1, one object a line.

Names and meaning are fixed; fields may be added.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from addons.fleet.database import FleetDatabase, Row
from addons.fleet.members import Member
from addons.fleet.mood import CANNOT_LOOK, mood_of
from addons.fleet.proof import STANDS, Proof, proof_of
from addons.fleet.taking import stamp
from addons.fleet.unheard import unheard

By = Literal["network", "product", "issuer"]
MOST = 100_000


class FindingLine(msgspec.Struct, frozen=True):
    """A finding's last state; `event` shows what was seen, `proof` what of it is more than the agent's word."""

    id: str
    device: str
    name: str
    kind: str
    subject: str
    network: str
    label: str
    verdict: str
    sanctioned: bool
    product: str
    engine: str
    category: str
    issuer: str
    hosts: tuple[str, ...]
    host_count: int
    opened: str
    seen: str
    closed: str | None
    event: str
    proof: Proof = "claimed"


class GroupLine(msgspec.Struct, frozen=True):
    """Findings counted by network, product or issuer; `claimed` are those that nothing proves, which count nowhere else."""

    by: By
    value: str
    label: str
    agents: int
    findings: int
    sanctioned: int
    first: str
    last: str
    claimed: int = 0


class AgentLine(msgspec.Struct, frozen=True):
    """An agent that is not heard any more: since `last`; `due` is when its next word should have come.

    Attributes:
        last: empty for one that was enrolled and never heard.
        enrolled: of such a one, when.
        mood: of one that is heard and cannot look, why: "captive", "offline" or "blocked".

    """

    device: str
    name: str
    network: str
    label: str
    last: str
    due: str
    enrolled: str = ""
    mood: str = ""


class CorrelationLine(msgspec.Struct, frozen=True):
    """What no single agent can see; see addons.fleet.correlating for each kind."""

    id: str
    kind: str
    headline: str
    subject: str
    network: str
    agents: int
    opened: str
    seen: str
    closed: str | None
    devices: tuple[str, ...]
    networks: tuple[str, ...]
    hosts: tuple[str, ...]
    events: tuple[str, ...]


class NetworkLine(msgspec.Struct, frozen=True):
    """A network, how many agents spoke from there last, and how many open findings it has that are more than claimed."""

    id: str
    label: str
    first: str
    last: str
    agents: int
    findings: int


class FleetRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line; one of its parts is there."""

    schema: Literal["tlsight.fleet/1"]
    finding: FindingLine | None = None
    group: GroupLine | None = None
    silent: AgentLine | None = None
    correlation: CorrelationLine | None = None
    network: NetworkLine | None = None


async def findings(database: FleetDatabase, *, closed: bool = False) -> list[FindingLine]:
    """The open ones, or with `closed` all; the latest first. Raises StoreError."""
    where = "" if closed else "WHERE f.closed IS NULL"
    rows = await database.read(
        f"""
        SELECT f.id, f.device, COALESCE(a.name, ''), f.kind, f.subject, f.network, COALESCE(n.label, ''), f.verdict,
        f.sanctioned, f.product, f.engine, f.category, f.issuer, f.hosts, f.host_count, f.opened, f.seen, f.closed, f.event,
        f.proved FROM finding f LEFT JOIN agent a ON a.device = f.device LEFT JOIN network n ON n.id = f.network {where}
        ORDER BY f.changed DESC, f.device, f.id LIMIT {MOST}
        """  # noqa: S608 (literals of this file)
    )
    found = []
    for row in rows:
        named = _named(FindingLine, row[:-1], hosts=13)
        named["proof"] = proof_of(*map(str, (row[3], row[4], row[18], row[19])))
        found.append(msgspec.convert(named, FindingLine, strict=False))
    return found


async def grouped(database: FleetDatabase, by: By, *, closed: bool = False) -> list[GroupLine]:
    """Findings counted, most agents first. Raises StoreError."""
    where = "" if closed else "WHERE f.closed IS NULL"
    rows = await database.read(
        f"""
        SELECT f.{by}, COALESCE(MAX(n.label), ''), COUNT(DISTINCT CASE WHEN {STANDS} THEN f.device END),
        COUNT(CASE WHEN {STANDS} THEN 1 END), COUNT(CASE WHEN {STANDS} AND f.sanctioned = 1 THEN 1 END), MIN(f.opened),
        MAX(f.seen), COUNT(CASE WHEN {STANDS} THEN NULL ELSE 1 END)
        FROM finding f LEFT JOIN network n ON n.id = f.{by} {where}
        GROUP BY f.{by} ORDER BY 3 DESC, f.{by} LIMIT {MOST}
        """  # noqa: S608
    )
    return [msgspec.convert(_named(GroupLine, (by, *row)), GroupLine, strict=False) for row in rows]


async def silent(database: FleetDatabase, now: datetime) -> list[AgentLine]:
    """Agents whose next word is overdue, the longest silence first. Raises StoreError."""
    rows = await database.read(
        f"""
        SELECT a.device, a.name, a.network, COALESCE(n.label, ''), a.last, a.due FROM agent a
        LEFT JOIN network n ON n.id = a.network WHERE a.due < ? AND a.revoked IS NULL
        ORDER BY a.last, a.device LIMIT {MOST}
        """,  # noqa: S608
        stamp(now),
    )
    return [msgspec.convert(_named(AgentLine, row), AgentLine) for row in rows]


async def never_heard(
    database: FleetDatabase, members: Sequence[Member], now: datetime
) -> list[AgentLine]:
    """Agents that were enrolled and never told anything, the first first. Raises StoreError."""
    return [
        AgentLine(one.name, one.shown, "", "", "", "", one.enrolled)
        for one in await unheard(database, members, now)
    ]


async def blind(database: FleetDatabase, now: datetime) -> list[AgentLine]:
    """Agents that are heard, and say that they cannot look. Raises StoreError."""
    rows = await database.read(
        f"""
        SELECT a.device, a.name, a.network, COALESCE(n.label, ''), a.last, a.due, a.heartbeat FROM agent a
        LEFT JOIN network n ON n.id = a.network WHERE a.due >= ? AND a.revoked IS NULL AND {CANNOT_LOOK}
        ORDER BY a.last, a.device LIMIT {MOST}
        """,  # noqa: S608
        stamp(now),
    )
    return [
        msgspec.convert(
            {**_named(AgentLine, row[:6]), "mood": mood_of(str(row[6])) or ""}, AgentLine
        )
        for row in rows
    ]


async def last_heard(database: FleetDatabase) -> dict[str, str]:
    """When each agent was heard last. Raises StoreError."""
    return {
        str(device): str(last)
        for device, last in await database.read("SELECT device, last FROM agent")
    }


async def written(database: FleetDatabase) -> tuple[int, str]:
    """How many agents were ever heard, and when the bus stored what the collector wrote last. Raises StoreError."""
    ((agents,),) = await database.read("SELECT COUNT(*) FROM agent")
    rows = await database.read("SELECT value FROM fact WHERE name = 'collector'")
    stored = msgspec.json.decode(str(rows[0][0])).get("stored", "") if rows else ""
    return int(agents or 0), str(stored)


async def correlations(database: FleetDatabase, *, closed: bool = False) -> list[CorrelationLine]:
    """Those that hold, or with `closed` all; the latest first. Raises StoreError."""
    where = "" if closed else "WHERE closed IS NULL"
    rows = await database.read(
        "SELECT id, kind, headline, subject, network, agents, opened, seen, closed, body FROM correlation "  # noqa: S608
        f"{where} ORDER BY opened DESC, id LIMIT {MOST}"
    )
    found = []
    for row in rows:
        named = _named(CorrelationLine, row[:9])
        body = msgspec.json.decode(str(row[9]))
        for part in ("devices", "networks", "hosts", "events"):
            named[part] = body.get(part, ())
        found.append(msgspec.convert(named, CorrelationLine, strict=False))
    return found


async def networks(database: FleetDatabase) -> list[NetworkLine]:
    """All, most agents first. Raises StoreError."""
    rows = await database.read(
        f"""
        SELECT n.id, n.label, n.first, n.last, COALESCE(a.agents, 0), COALESCE(f.findings, 0) FROM network n
        LEFT JOIN (SELECT network, COUNT(*) AS agents FROM agent GROUP BY network) AS a ON a.network = n.id
        LEFT JOIN (SELECT network, COUNT(*) AS findings FROM finding f WHERE closed IS NULL AND {STANDS}
        GROUP BY network) AS f
        ON f.network = n.id ORDER BY COALESCE(a.agents, 0) DESC, n.id LIMIT {MOST}
        """  # noqa: S608
    )
    return [msgspec.convert(_named(NetworkLine, row), NetworkLine, strict=False) for row in rows]


async def label(database: FleetDatabase, network: str, text: str) -> bool:
    """Give a network a name; False where there is none with this id. Raises StoreError."""
    if not await database.read("SELECT id FROM network WHERE id = ?", network):
        return False
    await database.write([("UPDATE network SET label = ? WHERE id = ?", [(text, network)])])
    return True


async def event(database: FleetDatabase, start: str) -> list[tuple[str, str]]:
    """Ids and bodies of the events whose id begins so, two at most. Raises StoreError."""
    rows = await database.read(
        "SELECT id, body FROM event WHERE id >= ? AND id < ? ORDER BY id LIMIT 2",
        start,
        start + "g",
    )
    return [(str(row[0]), str(row[1])) for row in rows]


def _named(
    kind: type[msgspec.Struct], row: Sequence[object] | Row, hosts: int = -1
) -> dict[str, object]:
    values = list(row)
    if hosts >= 0:
        values[hosts] = msgspec.json.decode(str(values[hosts]))
    return dict(zip(kind.__struct_fields__, values, strict=False))
