"""What is still to be told, on disk: one row an event, one cursor a sink.

Theory of operation
-------------------
Every sink has its own place in one line of events. It sees what stands when it is first configured, put at the line's
end for it alone, and all that is kept from then on, in order,
and its place moves on when its receiver has an event for good: a kill between the two makes a second copy, never a
gap. What every sink has is removed, but for the newest, which stay for who wants to look.

The line is bounded in bytes. What every sink has goes first, then heartbeats, then answers and notices, then findings;
within each the oldest. An event that alone is too large loses its observation before it is given up. What was given up
while a sink still waited for it is counted for ever and told once, until the line is short again.

`keep` writes in the caller's transaction, so that a finding and its event are kept together or not at all; all others
are transactions of their own. A caller does not wait for anything between the beginning and the end of one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from functools import wraps
from typing import Concatenate, NamedTuple

from msgspec import structs

from detector.knowledge.database import Database
from detector.model.no_json import NO_JSON
from detector.report.event_json import EventKind, EventRecord, decode_event, encode_event

LIMIT = 16 << 20
_KEPT = 200  # that every sink has
_LARGEST = 4  # an event has at most this part of the room
_URGENT: dict[EventKind, int] = {"heartbeat": 0, "notice": 1, "answer": 1}
_FINDING = 2
# Of a row whose events are all had by every sink; without sinks that is each.
_HAD_BY_ALL = "COALESCE((SELECT MIN(done) FROM sink), (SELECT MAX(number) FROM event))"


class GivenUp(NamedTuple):
    """What `keep` had no room for.

    Attributes:
        events: how many that some sink was still to have.
        findings: of these, how many told of a finding.
        tell: nobody was told since the line was last short.

    """

    events: int = 0
    findings: int = 0
    tell: bool = False


class Batch(NamedTuple):
    """What a sink is to have next.

    Attributes:
        numbers, events: of the same length.
        through: once they are delivered, the sink has all up to this number; 0 where nothing waits.

    """

    numbers: tuple[int, ...] = ()
    events: tuple[EventRecord, ...] = ()
    through: int = 0


def _told[**P, R](
    work: Callable[Concatenate[Database, P], R],
) -> Callable[Concatenate[Database, P], R]:
    """With StoreError in place of SQLite's own."""

    @wraps(work)
    def inner(database: Database, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return work(database, *args, **kwargs)
        except sqlite3.Error as error:
            raise database.failure(error) from None

    return inner


@_told
def configure(
    database: Database,
    sinks: Iterable[str],
    standing: Callable[[], Sequence[EventRecord]] = tuple,
) -> None:
    """From now on these are the sinks: one that was not there sees what is kept from now on, one that is gone holds
    nothing up. `standing` gives events of what stands, which a sink that was not there sees first. Raises StoreError.
    """
    names = tuple(sinks)
    with database.db as db:
        had = {name for (name,) in db.execute("SELECT name FROM sink")}
        for name in had - set(names):
            db.execute("DELETE FROM sink WHERE name = ?", (name,))
        for name in names:
            if name not in had:
                db.execute("INSERT INTO sink (name, done) VALUES (?, ?)", (name, _last(db)))
                for event in standing():
                    if (body := _body(event, LIMIT // _LARGEST)) is not None:
                        db.execute(
                            "INSERT OR IGNORE INTO event (id, urgent, at, body, only) VALUES (?, ?, ?, ?, ?)",
                            (event.id, _FINDING, event.at.isoformat(), body, name),
                        )
        _prune(db)


@_told
def keep(database: Database, events: Sequence[EventRecord], limit: int = LIMIT) -> GivenUp:
    """Put them at the line's end, within the caller's transaction; what is there already, by its id, is not put again.

    Args:
        database: the agent's.
        events: oldest first.
        limit: bytes of all of them.

    Raises StoreError: the caller's transaction is to be rolled back then, and nothing that was kept is lost.

    """
    db = database.db
    refused = 0
    refused_findings = 0
    for event in events:
        body = _body(event, limit // _LARGEST)
        if body is None:
            refused += 1
            refused_findings += event.finding is not None
            continue
        db.execute(
            "INSERT OR IGNORE INTO event (id, urgent, at, body) VALUES (?, ?, ?, ?)",
            (event.id, _URGENT.get(event.kind, _FINDING), event.at.isoformat(), body),
        )
    lost, findings = _make_room(db, limit)
    lost, findings = lost + refused, findings + refused_findings
    if not lost:
        return GivenUp()
    _set(db, "lost", str(_number(db, "lost") + lost))
    tell = not _number(db, "lost-told")
    _set(db, "lost-told", "1")
    return GivenUp(lost, findings, tell)


@_told
def batch(database: Database, sink: str, most: int, size: int, but: Collection[int] = ()) -> Batch:
    """The next events for a sink: at most `most`, of at most `size` bytes together, at least one where there is one.

    `but` are numbers that were passed over; so is what a damaged file no longer says. Raises StoreError.
    """
    numbers: list[int] = []
    events: list[EventRecord] = []
    through = 0
    rows = database.db.execute(
        "SELECT number, body, COALESCE(only, :sink) = :sink FROM event WHERE number >"
        " (SELECT done FROM sink WHERE name = :sink) ORDER BY number LIMIT :most",
        {"sink": sink, "most": most + len(but)},
    )
    for number, body, is_for in rows:
        if number not in but and is_for:
            size -= len(body)
            if events and (size < 0 or len(events) >= most):
                break
            with suppress(*NO_JSON):
                events.append(decode_event(body))
                numbers.append(number)
        through = number
    return Batch(tuple(numbers), tuple(events), through)


@_told
def delivered(database: Database, sink: str, number: int) -> None:
    """The sink has all up to this one. Raises StoreError."""
    with database.db as db:
        db.execute("UPDATE sink SET done = MAX(done, ?) WHERE name = ?", (number, sink))
        _prune(db)


@_told
def waiting(database: Database, sink: str) -> int:
    """How many events a sink has not. Raises StoreError."""
    count = (
        "SELECT COUNT(*) FROM event WHERE number > (SELECT done FROM sink WHERE name = :sink)"
        " AND COALESCE(only, :sink) = :sink"
    )
    (number,) = database.db.execute(count, {"sink": sink}).fetchone()
    return int(number)


@_told
def lost(database: Database) -> int:
    """How many events were given up since the file was made. Raises StoreError."""
    return _number(database.db, "lost")


@_told
def latest(database: Database, most: int) -> tuple[EventRecord, ...]:
    """The newest events that are still here, oldest first. Raises StoreError."""
    rows = database.db.execute(
        "SELECT body FROM event WHERE only IS NULL ORDER BY number DESC LIMIT ?", (most,)
    )
    found: list[EventRecord] = []
    for (body,) in rows:
        with suppress(*NO_JSON):
            found.append(decode_event(body))
    return tuple(reversed(found))


@_told
def trouble(database: Database, sink: str) -> tuple[str, bool]:
    """What a sink fails by, empty where it does not, and whether that was told. Raises StoreError."""
    row = database.db.execute(
        "SELECT trouble, since IS NOT NULL FROM sink WHERE name = ?", (sink,)
    ).fetchone()
    return (str(row[0]), bool(row[1])) if row else ("", False)


@_told
def set_trouble(database: Database, sink: str, text: str, told: str | None) -> None:
    """`told` is when somebody was told, None while nobody was. Raises StoreError."""
    with database.db as db:
        db.execute("UPDATE sink SET trouble = ?, since = ? WHERE name = ?", (text, told, sink))


def _body(event: EventRecord, most: int) -> bytes | None:
    body = encode_event(event)
    if len(body) > most and event.observation is not None:
        body = encode_event(structs.replace(event, observation=None))
    return body if len(body) <= most else None


def _make_room(db: sqlite3.Connection, limit: int) -> tuple[int, int]:
    """How many that some sink waited for had to go, and how many of these are findings."""
    over = _size(db) - limit
    if over <= 0:
        return 0, 0
    (had,) = db.execute(f"SELECT {_HAD_BY_ALL}").fetchone()
    rows = db.execute(
        "SELECT number, urgent, LENGTH(body) FROM event ORDER BY number > ?, urgent * (number > ?), number",
        (had, had),
    ).fetchall()
    gone: list[tuple[int]] = []
    lost = findings = 0
    for number, urgent, size in rows:
        if over <= 0:
            break
        over -= size
        gone.append((number,))
        lost += number > had
        findings += number > had and urgent == _FINDING
    db.executemany("DELETE FROM event WHERE number = ?", gone)
    return lost, findings


def _prune(db: sqlite3.Connection) -> None:
    """What every sink has goes, but for the newest; an empty line ends what was told of its fullness."""
    db.execute(
        f"DELETE FROM event WHERE number <= {_HAD_BY_ALL}"  # noqa: S608
        " AND number <= (SELECT number FROM event ORDER BY number DESC LIMIT 1 OFFSET ?)",
        (_KEPT,),
    )
    (behind,) = db.execute(
        f"SELECT COUNT(*) FROM event WHERE number > {_HAD_BY_ALL}"  # noqa: S608
    ).fetchone()
    if not behind:
        db.execute("DELETE FROM fact WHERE name = 'lost-told'")


def _last(db: sqlite3.Connection) -> int:
    """The number that was given last, also where its row is gone."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event'").fetchone()
    return int(row[0]) if row else 0


def _size(db: sqlite3.Connection) -> int:
    (size,) = db.execute("SELECT COALESCE(SUM(LENGTH(body)), 0) FROM event").fetchone()
    return int(size)


def _number(db: sqlite3.Connection, name: str) -> int:
    row = db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else 0


def _set(db: sqlite3.Connection, name: str, value: str) -> None:
    db.execute("INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)", (name, value))
