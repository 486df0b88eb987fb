"""What an agent's state says from outside: read from its database, which is left as it is.

The exporter, the textfile and the Nagios plug-in are other readers than the agent, perhaps other processes. They look
at one moment, in one transaction, and never wait long for the agent. What they show goes to others: hosts of a user's
own programs are not named (detector.agent.own_hosts).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

import msgspec

from detector.agent.budget import Limits, Use
from detector.agent.finding import Held
from detector.agent.mood import Mood
from detector.agent.own_hosts import as_exported
from detector.agent.store import FILE, open_store
from detector.model.no_json import NO_JSON
from detector.report.event_json import EventRecord, decode_event

_MAX_FINDINGS = 1000
_HELD = msgspec.json.Decoder(Held)


class SinkState(msgspec.Struct, frozen=True):
    """How a sink fares.

    Attributes:
        waiting: events that it is still to have.
        trouble: why it has not; empty where all is well.
        since: when the trouble began.

    """

    name: str
    waiting: int
    trouble: str = ""
    since: datetime | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """One moment of an agent.

    Attributes:
        device: its id; empty before its first run.
        heartbeat: the last one, as an event.
        findings: what is open, on whatever network; the latest first, at most a thousand.
        use: of the day's budget.
        lost: events that were given up.
        next_run: when it is due.
        lists: serial of each signed list in force, by name.
        mood: how open the way out is; None before anybody looked.

    """

    device: str = ""
    heartbeat: EventRecord | None = None
    findings: tuple[Held, ...] = ()
    sinks: tuple[SinkState, ...] = ()
    use: Use | None = None
    lost: int = 0
    next_run: datetime | None = None
    lists: dict[str, int] = {}
    limits: Limits | None = None
    mood: Mood | None = None


def read_snapshot(folder: Path, limits: Limits | None = None) -> Snapshot:
    """The state in a folder. Raises StoreError where there is none, or none that can be read."""
    database = open_store(folder / FILE, read_only=True)
    with closing(database):
        try:
            return _read(database.db, limits)
        except sqlite3.Error as error:
            raise database.failure(error) from None


def _read(db: sqlite3.Connection, limits: Limits | None) -> Snapshot:
    db.execute("BEGIN")
    facts = dict(db.execute("SELECT name, value FROM fact"))
    held = []
    for (body,) in db.execute(
        "SELECT body FROM finding ORDER BY seen DESC LIMIT ?", (_MAX_FINDINGS,)
    ):
        with suppress(*NO_JSON):
            held.append(_HELD.decode(body))
    sinks = db.execute(
        "SELECT name, (SELECT count(*) FROM event WHERE number > done AND COALESCE(only, name) = name), trouble, since FROM sink ORDER BY name"
    )
    return Snapshot(
        device=facts.get("device", ""),
        heartbeat=_heartbeat(db),
        findings=as_exported((one for one in held if one.is_open), facts),
        sinks=tuple(
            SinkState(name, waiting, trouble, _moment(at)) for name, waiting, trouble, at in sinks
        ),
        use=_use(facts.get("use", "")),
        lost=_count(facts.get("lost", "")),
        next_run=_moment(facts.get("next-run")),
        lists=dict(db.execute("SELECT name, serial FROM list ORDER BY name")),
        limits=limits,
        mood=_mood(facts.get("mood", "")),
    )


def _heartbeat(db: sqlite3.Connection) -> EventRecord | None:
    """The latest that is kept; heartbeats are what is not urgent at all."""
    for (body,) in db.execute(
        "SELECT body FROM event WHERE urgent = 0 ORDER BY number DESC LIMIT 3"
    ):
        with suppress(*NO_JSON):
            found = decode_event(body)
            if found.heartbeat is not None:
                return found
    return None


def _moment(text: str | None) -> datetime | None:
    with suppress(ValueError):
        found = datetime.fromisoformat(text or "")
        return found if found.tzinfo is not None else None
    return None


def _use(text: str) -> Use | None:
    with suppress(*NO_JSON):
        return msgspec.json.decode(text, type=Use)
    return None


def _mood(text: str) -> Mood | None:
    with suppress(*NO_JSON):
        return msgspec.json.decode(text, type=Mood)
    return None


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
