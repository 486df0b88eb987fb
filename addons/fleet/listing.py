"""What is kept of a fleet, asked for and given as values; and as JSON, schema tlsight.fleet/1, one object a line.

Names and meaning are fixed; fields may be added.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from addons.fleet.database import FleetDatabase, Row
from addons.fleet.taking import stamp

By = Literal["network", "product", "issuer"]
MOST = 100_000


class FindingLine(msgspec.Struct, frozen=True):
    """A finding's last state; `event` shows what was seen."""

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


class GroupLine(msgspec.Struct, frozen=True):
    """Findings counted by network, product or issuer."""

    by: By
    value: str
    label: str
    agents: int
    findings: int
    sanctioned: int
    first: str
    last: str


class AgentLine(msgspec.Struct, frozen=True):
    """An agent that is not heard any more: since `last`; `due` is when its next word should have come."""

    device: str
    name: str
    network: str
    label: str
    last: str
    due: str


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
    """A network, how many agents spoke from there last, and how many open findings it has."""

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
        f.sanctioned, f.product, f.engine, f.category, f.issuer, f.hosts, f.host_count, f.opened, f.seen, f.closed, f.event
        FROM finding f LEFT JOIN agent a ON a.device = f.device LEFT JOIN network n ON n.id = f.network {where}
        ORDER BY f.changed DESC, f.device, f.id LIMIT {MOST}
        """  # noqa: S608 (literals of this file)
    )
    return [
        msgspec.convert(_named(FindingLine, row, hosts=13), FindingLine, strict=False)
        for row in rows
    ]


async def grouped(database: FleetDatabase, by: By, *, closed: bool = False) -> list[GroupLine]:
    """Findings counted, most agents first. Raises StoreError."""
    where = "" if closed else "WHERE f.closed IS NULL"
    rows = await database.read(
        f"""
        SELECT f.{by}, COALESCE(MAX(n.label), ''), COUNT(DISTINCT f.device), COUNT(*), SUM(f.sanctioned), MIN(f.opened),
        MAX(f.seen) FROM finding f LEFT JOIN network n ON n.id = f.{by} {where}
        GROUP BY f.{by} ORDER BY COUNT(DISTINCT f.device) DESC, f.{by} LIMIT {MOST}
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
        LEFT JOIN (SELECT network, COUNT(*) AS findings FROM finding WHERE closed IS NULL GROUP BY network) AS f
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
