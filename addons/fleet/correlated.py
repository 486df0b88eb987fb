"""What was correlated, kept: each statement is one row from when it begins to hold until it does not any more."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec

from addons.fleet.correlating import DAY, FRESH, WEEK, correlate, dark_networks
from addons.fleet.database import FleetDatabase, Row
from addons.fleet.overview import Agent, Correlation, First, Fleet, Group, Place
from addons.fleet.rows import FACT
from addons.fleet.taking import stamp

_MONTH = timedelta(days=30)
_GAP = timedelta(hours=1)
_MOST_EVENTS = 50

_GROUPS = """
SELECT subject, network, sanctioned, device, event, hosts, opened, seen, product, category, issuer, canary, spares,
issuer_until FROM finding WHERE closed IS NULL AND kind = 'interception' AND seen >= ? ORDER BY device, id
"""
# Still open, and nothing of the same product, or of the same subject where none is known, was there before.
_FIRSTS = """
SELECT CASE WHEN f.product <> '' THEN f.product ELSE f.subject END, f.category, f.device, f.network, f.met, a.first,
a.settled, f.event FROM finding f JOIN agent a ON a.device = f.device
WHERE f.closed IS NULL AND f.kind = 'interception' AND f.sanctioned = 0 AND f.met >= ? AND a.revoked IS NULL
AND NOT EXISTS (SELECT 1 FROM finding g WHERE g.device = f.device AND g.kind = 'interception' AND g.met < f.met
AND CASE WHEN f.product <> '' THEN g.product = f.product ELSE g.subject = f.subject END) ORDER BY f.device, f.id
"""
_BEFORE = """
SELECT product, COUNT(DISTINCT device) FROM finding
WHERE kind = 'interception' AND product <> '' AND met < ? GROUP BY product
"""
_AGENTS = """
SELECT device, network, last, due, heartbeat FROM agent WHERE last >= ? AND revoked IS NULL ORDER BY device
"""
_OPEN = """
INSERT INTO correlation (id, kind, subject, network, headline, agents, opened, seen, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
headline = excluded.headline, agents = excluded.agents, seen = excluded.seen, body = excluded.body,
opened = CASE WHEN correlation.closed IS NULL THEN correlation.opened ELSE excluded.opened END, closed = NULL
"""
_ENCODER = msgspec.json.Encoder()


async def correlate_now(database: FleetDatabase, now: datetime) -> list[Correlation]:
    """Look at the whole fleet, and keep what holds. Raises StoreError."""
    watched = await _watched(database, now)
    fleet = await _fleet(database, now, watched)
    # In a thread, so that the bus is answered meanwhile.
    found = await asyncio.to_thread(correlate, fleet, now)
    at = stamp(now)
    opened: list[Row] = [
        (
            one.id, one.kind, one.subject, one.network, _clean(one.headline), one.agents, at, at,
            _clean(_ENCODER.encode(one).decode()),
        )
        for one in found
    ]  # fmt: skip
    over: list[Row] = [(at, id_) for id_ in sorted(fleet.standing - {one.id for one in found})]
    told = {one.network for one in found if one.kind == "silent-together"}
    # The first dark hour of a network is what is told; only once that is over, it is how this network is.
    dark: list[Row] = [
        (at, network) for network in dark_networks(fleet, now) if network not in told
    ]
    await database.write(
        [
            (_OPEN, opened),
            ("UPDATE correlation SET closed = ? WHERE id = ?", over),
            ("UPDATE network SET dark = ? WHERE id = ?", dark),
            (FACT, [("watched", f"{stamp(watched)} {at}")]),
        ]
    )
    return found


def _clean(text: str) -> str:
    return text.replace("\0", "\ufffd")


async def _watched(database: FleetDatabase, now: datetime) -> datetime:
    """Since when the fleet is looked at at least once an hour: what happened in a gap nobody has seen."""
    found = await database.read("SELECT value FROM fact WHERE name = 'watched'")
    if not found:
        return now
    since, last = map(_time, str(found[0][0]).split())
    return since if timedelta(0) <= now - last <= _GAP else now


async def _fleet(database: FleetDatabase, now: datetime, watched: datetime) -> Fleet:
    groups = await database.read(_GROUPS, stamp(now - FRESH - DAY))
    agents = await database.read(_AGENTS, stamp(now - _MONTH))
    places = await database.read("SELECT id, first, gateway, ssid, label, dark FROM network")
    firsts = await database.read(_FIRSTS, stamp(now - WEEK))
    before = await database.read(_BEFORE, stamp(now - WEEK))
    standing = await database.read("SELECT id FROM correlation WHERE closed IS NULL")
    return Fleet(
        _groups(groups),
        [
            Agent(str(d), str(n), _time(last), _time(due), _judges(heartbeat))
            for d, n, last, due, heartbeat in agents
        ],
        {
            str(id_): Place(
                str(id_), _time(first), str(g), str(s), str(label), _time(dark) if dark else None
            )
            for id_, first, g, s, label, dark in places
        },
        [
            First(
                str(what), str(category), str(device), str(network), _time(at), _time(known), _time(settled),
                str(event),
            )
            for what, category, device, network, at, known, settled, event in firsts
        ],
        {str(product): int(count or 0) for product, count in before},
        frozenset(str(row[0]) for row in standing),
        watched,
    )  # fmt: skip


def _groups(rows: list[Row]) -> list[Group]:
    by_key: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        by_key.setdefault(row[:3], []).append(row)
    found = []
    for (subject, network, sanctioned), some in by_key.items():
        first = some[0]
        untils = [_time(row[13]) for row in some if row[13]]
        found.append(
            Group(
                str(subject), str(network), bool(sanctioned),
                tuple(dict.fromkeys(str(row[3]) for row in some)),
                tuple(str(row[4]) for row in some[:_MOST_EVENTS]),
                min(_time(row[6]) for row in some), max(_time(row[7]) for row in some),
                frozenset(host for row in some for host in msgspec.json.decode(str(row[5]), type=list[str])),
                str(first[8]), str(first[9]), str(first[10]), any(row[11] for row in some),
                sum(bool(row[12]) for row in some), max(untils) if untils else None,
            )
        )  # fmt: skip
    return found


class _Judges(msgspec.Struct):
    checked: int = 0
    inconclusive: int = 0


def _judges(heartbeat: object) -> bool:
    """Its last word says that it judged something."""
    if not isinstance(heartbeat, str):
        return False
    said = msgspec.json.decode(heartbeat, type=_Judges)
    return said.checked > said.inconclusive


def _time(text: object) -> datetime:
    return datetime.fromisoformat(str(text))
