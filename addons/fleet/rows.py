"""Events turned into what the database keeps. Pure.

Rules
-----
1. An event is kept once, by its id, so the bus may deliver twice.
2. A state is as the newest event by the agent's own clock left it; of one second the later one of the stream counts. So
   what comes late, or once more, rolls nothing back, and what comes once more in order ends where it ended before.
3. What an event leaves out (a finding that closes has no certificate to show) stays as it was.
4. Heartbeats are a state and not kept one by one: 50,000 agents send five million a day.
5. An agent is alive when the bus hears it, whatever its clock says: `last` and `due` are by the bus's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any, cast

import msgspec

from addons.fleet.database import Row
from addons.fleet.heard import HeardCheck
from addons.fleet.taking import Refused, Taken, stamp
from detector.report.event_json import (
    EventRecord,
    FindingRecord,
    HeartbeatRecord,
    NetworkRecord,
    headline,
    severity,
)

_FIRST_EVERY = 3600.0  # until a heartbeat says when the next one comes
_SHORTEST, _LONGEST = 10.0, 7 * 86_400.0
_CUT = 512
_MOST_HERE = 64
_OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
# A CA made for less is one of those that are changed every few days by themselves: its end is no news.
_LONG_LIVED = timedelta(days=180)
_HEARTBEAT = msgspec.json.Encoder()

_NEWER = "excluded.told >= agent.told"
AGENT = f"""
INSERT INTO agent (device, name, system, tlsight, tables, network, first, last, due, heartbeat, told, lists, settled)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (device) DO UPDATE SET
last = CASE WHEN excluded.last > agent.last THEN excluded.last ELSE agent.last END,
due = CASE WHEN excluded.heartbeat IS NOT NULL AND {_NEWER} THEN excluded.due
    WHEN excluded.last > agent.due THEN excluded.due ELSE agent.due END,
name = CASE WHEN {_NEWER} THEN excluded.name ELSE agent.name END,
system = CASE WHEN {_NEWER} THEN excluded.system ELSE agent.system END,
network = CASE WHEN {_NEWER} AND excluded.network <> '' THEN excluded.network ELSE agent.network END,
heartbeat = CASE WHEN {_NEWER} AND excluded.heartbeat IS NOT NULL THEN excluded.heartbeat ELSE agent.heartbeat END,
settled = CASE WHEN {_NEWER} AND (excluded.tlsight <> agent.tlsight OR excluded.tables <> agent.tables
    OR (excluded.lists <> '' AND excluded.lists <> agent.lists)) THEN excluded.told ELSE agent.settled END,
tlsight = CASE WHEN {_NEWER} THEN excluded.tlsight ELSE agent.tlsight END,
tables = CASE WHEN {_NEWER} THEN excluded.tables ELSE agent.tables END,
lists = CASE WHEN {_NEWER} AND excluded.lists <> '' THEN excluded.lists ELSE agent.lists END,
told = CASE WHEN {_NEWER} THEN excluded.told ELSE agent.told END
"""  # noqa: S608 (of this file alone)

_STATE = (
    "kind", "subject", "network", "sanctioned", "host", "hosts", "host_count", "opened", "changed", "seen", "closed",
)  # fmt: skip
_JUDGED = (
    "verdict", "product", "engine", "category", "issuer", "issuer_spki", "event", "canary", "spares", "issuer_until", "judged",
)  # fmt: skip
_FINDING_COLUMNS = ("id", "device", *_STATE, *_JUDGED, "met")
_LATER = "excluded.changed >= finding.changed"
# Assignments see the row as it was, so the order does not matter.
FINDING = (
    f"INSERT INTO finding ({', '.join(_FINDING_COLUMNS)}) "  # noqa: S608 (of this file alone)
    f"VALUES ({', '.join('?' * len(_FINDING_COLUMNS))}) ON CONFLICT (device, id) DO UPDATE SET "
    + ", ".join(f"{c} = CASE WHEN {_LATER} THEN excluded.{c} ELSE finding.{c} END" for c in _STATE)
    + ", "
    + ", ".join(
        f"{c} = CASE WHEN excluded.judged <> '' AND excluded.judged >= finding.judged "
        f"THEN excluded.{c} ELSE finding.{c} END"
        for c in _JUDGED
    )
    # Another event, kind or subject is another claim (addons.fleet.proof).
    + ", proven = CASE WHEN excluded.judged <> '' AND excluded.judged >= finding.judged "
    "AND excluded.event <> finding.event "
    f"OR {_LATER} AND (excluded.kind <> finding.kind OR excluded.subject <> finding.subject) "
    "THEN 0 ELSE finding.proven END"
    + ", met = CASE WHEN excluded.met < finding.met THEN excluded.met ELSE finding.met END"
)
# A finding that stands is told once; every heartbeat says that it stands.
STANDS = "UPDATE finding SET seen = ? WHERE device = ? AND id = ? AND seen < ? AND closed IS NULL"
# An agent that lost its state does not know what it told: until it tells again, nobody does (addons.fleet.proof).
LOST = """
UPDATE finding SET proven = 0, proved = '~' || event || ' ' || kind || ' ' || subject
WHERE device = ? AND closed IS NULL AND changed < ?
"""
EVENT = """
INSERT INTO event (id, device, at, received, kind, severity, finding, headline, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING
"""
NETWORK = """
INSERT INTO network (id, first, last, label, gateway, ssid) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
last = CASE WHEN excluded.last > network.last THEN excluded.last ELSE network.last END,
gateway = CASE WHEN network.gateway = '' THEN excluded.gateway ELSE network.gateway END,
ssid = CASE WHEN network.ssid = '' THEN excluded.ssid ELSE network.ssid END
"""
# Of questions that were asked; an agent that makes up others fills no table.
ANSWER = """
INSERT INTO answer (question, device, at, verdict, event) SELECT id, ?, ?, ?, ? FROM question WHERE id = ?
ON CONFLICT (question, device) DO NOTHING
"""
REFUSED = """
INSERT INTO refused (device, why, times, first, last) VALUES (?, ?, ?, ?, ?) ON CONFLICT (device, why) DO UPDATE SET
times = refused.times + excluded.times, last = excluded.last
"""
FACT = "INSERT INTO fact (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


class Kept(msgspec.Struct, frozen=True, gc=False):
    """One good message as rows of the tables.

    Attributes:
        event: None of a heartbeat, which is not kept by itself.

    """

    agent: Row
    event: Row | None
    finding: Row | None
    network: Row | None
    answer: Row | None
    stand: tuple[Row, ...] = ()
    lost: Row | None = None


def kept(one: Taken, canaries: Collection[str]) -> Kept:
    """A message's rows; `canaries` are hosts that everybody knows to be public."""
    event, at = one.event, stamp(one.at)
    single = event.kind != "heartbeat"
    answers = event.kind == "answer" and event.question is not None
    return Kept(
        _agent(one, at),
        _event(one, at) if single else None,
        _finding(one, at, event.finding, canaries) if event.finding is not None else None,
        _network(one, event.network) if event.network is not None else None,
        _answer(one, at) if answers else None,
        _stand(one, at, event.heartbeat) if event.heartbeat is not None else (),
        (event.device.id, at) if event.notice is not None and event.notice.code == "state-lost" else None,
    )  # fmt: skip


def statements(taken: Sequence[Kept], refused: Sequence[Refused]) -> list[tuple[str, list[Row]]]:
    """What keeps a batch.

    Rows of one key are in the stream's order, and keys in their own: ids are random, and in order every page of a table
    and its index is looked for and written once a batch, not once a row. Tables do not look at each other, but for
    STANDS and LOST, which follow FINDING.
    """
    agents, events, findings, answers, stand = [], [], [], [], list[Row]()
    networks: dict[object, Row] = {}
    for one in taken:
        agents.append(one.agent)
        if one.event is not None:
            events.append(one.event)
        if one.finding is not None:
            findings.append(one.finding)
        if one.network is not None:
            networks.setdefault(one.network[0], one.network)
        stand += one.stand
        if one.answer is not None:
            answers.append(one.answer)
    bad: dict[tuple[str, str], list[datetime]] = {}
    for no in refused:
        bad.setdefault((no.device, no.why), []).append(no.received)
    counts: list[Row] = [
        (device, why, len(times), stamp(min(times)), stamp(max(times)))
        for (device, why), times in bad.items()
    ]
    return [
        (AGENT, sorted(agents, key=_FIRST)), (EVENT, sorted(events, key=_FIRST)),
        (FINDING, sorted(findings, key=_BY_DEVICE)), (STANDS, sorted(stand, key=_BY_DEVICE)),
        (LOST, [one.lost for one in taken if one.lost is not None]),
        (NETWORK, sorted(networks.values(), key=_FIRST)), (ANSWER, answers), (REFUSED, counts),
    ]  # fmt: skip


_FIRST: Callable[[Row], Any] = itemgetter(0)
_BY_DEVICE: Callable[[Row], Any] = itemgetter(1, 0)
# What the bus stored within one second has one time.
_heard = lru_cache(maxsize=4096)(stamp)


@lru_cache(maxsize=4096)
def _due(received: datetime, every: float) -> str:
    slack = min(max(every / 4, 60.0), 600.0)
    return stamp(received + timedelta(seconds=every + slack))


def _text(text: str, most: int = _CUT) -> str:
    """Short, and without NUL, which PostgreSQL has no place for."""
    return text[:most].replace("\0", "\ufffd") if text else text


def _event(one: Taken, at: str) -> Row:
    event = one.event
    finding = event.finding.id if event.finding is not None else ""
    told = cast("EventRecord", event)  # it has all that these two look at
    return (
        event.id, event.device.id, at, _heard(one.received), event.kind, severity(told), finding,
        _text(headline(told)), one.body,
    )  # fmt: skip


def _agent(one: Taken, at: str) -> Row:
    event, beat = one.event, one.event.heartbeat
    heard = _heard(one.received)
    network = event.network.id if event.network is not None else ""
    # NaN is no number that JSON has; the bounds are for all others.
    every = _FIRST_EVERY if beat is None else min(max(beat.every, _SHORTEST), _LONGEST)
    lists = "" if beat is None else " ".join(f"{k}={v}" for k, v in sorted(beat.lists.items()))
    return (
        event.device.id, _text(event.device.name), _text(event.device.system, 64), _text(event.versions.tlsight, 64),
        _text(event.versions.tables, 128), network, heard, heard, _due(one.received, every),
        None if beat is None else _HEARTBEAT.encode(beat).decode(), at, _text(lists), at,
    )  # fmt: skip


def _stand(one: Taken, at: str, beat: HeartbeatRecord) -> tuple[Row, ...]:
    device = one.event.device.id
    return tuple((at, device, _text(id_, 128), at) for id_ in beat.here[:_MOST_HERE])


def _network(one: Taken, network: NetworkRecord) -> Row:
    heard = _heard(one.received)
    return (
        network.id,
        heard,
        heard,
        "",
        _text(network.gateway or "", 128),
        _text(network.ssid or "", 128),
    )


def _finding(one: Taken, at: str, finding: FindingRecord, canaries: Collection[str]) -> Row:
    event = one.event
    network = event.network.id if event.network is not None else ""
    hosts = [_text(host) for host in finding.hosts]
    opened = _stamp(finding.opened, one.at, at)
    return (
        finding.id, event.device.id,
        finding.kind, _text(finding.subject), network, int(event.sanctioned), hosts[0] if hosts else "",
        _HEARTBEAT.encode(hosts).decode(), finding.host_count, opened, at,
        _stamp(finding.seen, one.at, at), at if event.kind == "closed" else None,
        *_judged(one, at, canaries), opened,
    )  # fmt: skip


def _stamp(when: datetime, latest: datetime, told: str) -> str:
    """Not later than the event that tells of it."""
    return told if when >= latest else stamp(max(when, _OLDEST))


def _judged(one: Taken, at: str, canaries: Collection[str]) -> tuple[str | int | None, ...]:
    event = one.event
    check, finding = event.check, event.finding
    assert finding is not None
    if check is None:
        return ("", "", "", "", _text(finding.who), "", event.id, 0, 0, None, "")
    who = check.interceptor
    named = (check.target.host, *(host.rpartition(":")[0] for host in finding.hosts))
    spares = any(rule.id == "canaries-clean" for rule in check.evidence)
    return (
        check.verdict,
        _text((who.product if who else "") or ""),
        _text((who.engine if who else "") or ""),
        _text((who.category if who else "") or ""),
        _text(who.issuer if who else ""),
        _text((who.issuer_spki_sha256 if who else "") or "", 64),
        event.id,
        int(any(host in canaries for host in named)),
        int(spares),
        _issuer_until(check),
        at,
    )


def _issuer_until(check: HeardCheck) -> str | None:
    """When the interceptor's CA ends, of one that was made for long and that was shown."""
    who = check.interceptor
    if who is None or not who.issuer_spki_sha256:
        return None
    for one in check.chain[1:100]:
        if one.spki_sha256 == who.issuer_spki_sha256:
            try:
                long_lived = one.not_after - one.not_before >= _LONG_LIVED
                return stamp(one.not_after) if long_lived else None
            except (OverflowError, TypeError):
                return None
    return None


def _answer(one: Taken, at: str) -> Row:
    event = one.event
    verdict = event.check.verdict if event.check is not None else ""
    return (event.device.id, at, verdict, event.id, event.question)
