"""What was correlated, kept: each statement is one row from when it begins to hold until it does not any more."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from addons.fleet.correlating import DAY, FRESH, WEEK, correlate, dark_networks
from addons.fleet.database import FleetDatabase, Row
from addons.fleet.heard import hear
from addons.fleet.overview import Agent, Correlation, First, Fleet, Group, Place
from addons.fleet.page.again import Judge
from addons.fleet.proving import prove
from addons.fleet.rows import FACT
from addons.fleet.taking import stamp

_MONTH = timedelta(days=30)
_GAP = timedelta(hours=1)
_MOST_EVENTS = 50

_GROUPS = """
SELECT subject, network, sanctioned, device, event, hosts, opened, seen, product, category, issuer, canary, spares,
issuer_until FROM finding WHERE closed IS NULL AND kind = 'interception' AND proven = 1 AND seen >= ? ORDER BY device, id
"""
# Still open, and nothing of the same product, or of the same subject where none is known, was there before.
_FIRSTS = """
SELECT CASE WHEN f.product <> '' THEN f.product ELSE f.subject END, f.category, f.device, f.network, f.met, a.first,
a.settled, f.event FROM finding f JOIN agent a ON a.device = f.device
WHERE f.closed IS NULL AND f.kind = 'interception' AND f.proven = 1 AND f.sanctioned = 0 AND f.met >= ? AND a.revoked IS NULL
AND NOT EXISTS (SELECT 1 FROM finding g WHERE g.device = f.device AND g.kind = 'interception' AND g.met < f.met
AND CASE WHEN f.product <> '' THEN g.product = f.product ELSE g.subject = f.subject END) ORDER BY f.device, f.id
"""
_BEFORE = """
SELECT product, COUNT(DISTINCT device) FROM finding
WHERE kind = 'interception' AND proven = 1 AND product <> '' AND met < ? GROUP BY product
"""
_AGENTS = """
SELECT device, network, last, due, heartbeat, first FROM agent WHERE last >= ? AND revoked IS NULL ORDER BY device
"""
_OPEN = """
INSERT INTO correlation (id, kind, subject, network, headline, agents, opened, seen, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
headline = excluded.headline, agents = excluded.agents, seen = excluded.seen, body = excluded.body,
opened = CASE WHEN correlation.closed IS NULL THEN correlation.opened ELSE excluded.opened END, closed = NULL
"""
_ENCODER = msgspec.json.Encoder()


async def correlate_now(
    database: FleetDatabase, now: datetime, judge: Judge | None = None
) -> list[Correlation]:
    """Judge again what was told, look at the whole fleet, and keep what holds. Raises StoreError.

    Args:
        database: an open one.
        now: the clock.
        judge: what is told is judged by it; by the tables that are shipped when left out.

    """
    await prove(database, judge)
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
    places = await database.read("SELECT id, first, label, dark FROM network")
    said = await _said(database, groups)
    firsts = await database.read(_FIRSTS, stamp(now - WEEK))
    before = await database.read(_BEFORE, stamp(now - WEEK))
    standing = await database.read("SELECT id FROM correlation WHERE closed IS NULL")
    return Fleet(
        _groups(groups),
        [
            Agent(str(d), str(n), _time(last), _time(due), _judges(heartbeat), _time(first))
            for d, n, last, due, heartbeat, first in agents
        ],
        {
            str(id_): Place(
                str(id_), _time(first), *agreed(said.get(str(id_), {})), str(label),
                _time(dark) if dark else None, len(said.get(str(id_), {})) > 1,
            )
            for id_, first, label, dark in places
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


async def _said(
    database: FleetDatabase, groups: list[Row]
) -> dict[str, dict[str, tuple[str, str]]]:
    """What each agent itself says of gateway and wireless name of a network, where one key is at several.

    The table of networks has what the first one said, who may be anybody.
    """
    at: dict[object, set[object]] = {}
    for row in groups:
        at.setdefault(row[0], set()).add(row[1])
    many = {subject for subject, networks in at.items() if len(networks) > 1}
    found: dict[str, dict[str, tuple[str, str]]] = {}
    asked: dict[str, int] = {}
    events = []
    for row in groups:
        network = str(row[1])
        if network and row[0] in many and asked.get(network, 0) < _MOST_EVENTS:
            asked[network] = asked.get(network, 0) + 1
            events.append(str(row[4]))
    for start in range(0, len(events), 200):
        some = events[start : start + 200]
        bodies = await database.read(
            f"SELECT device, body FROM event WHERE id IN ({', '.join('?' * len(some))})",  # noqa: S608
            *some,
        )
        for device, body in bodies:
            told = hear(str(body).encode()).network  # it was taken once
            if told is not None:
                words = (told.gateway or "")[:128], (told.ssid or "")[:128]
                found.setdefault(told.id, {})[str(device)] = words
    return found


def agreed(said: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """Gateway and wireless name as agents agree on them; empty where they do not."""
    least = min(len(said), 2)
    gateway, ssid = (
        _most([words[part] for words in said.values() if words[part]], least) for part in (0, 1)
    )
    return gateway, ssid


def _most(words: list[str], least: int) -> str:
    """What more than half of them say, and so many at least."""
    if not words:
        return ""
    word, times = Counter(words).most_common(1)[0]
    return word if times * 2 > len(words) and times >= least else ""


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
