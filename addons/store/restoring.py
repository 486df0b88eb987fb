"""Putting a copy of a store back, while proxies read it.

What comes back
---------------
1. What people decided is replaced, in one transaction with the entries that say so: the trail goes on behind the
   copy's with an accepted entry that holds what was lost, so an older copy never looks like a trail that was cut.
2. What was seen since stays; it is taken from the copy only where a table is empty.
3. Rows come back, and nothing else of the copy's file: no trigger, no view, no table that this version does not
   make. A copy of an older version is brought up to this one's first.
4. What came from a centre comes back with the rules. What was told it since stays told: batches are numbered on from
   here, and none of the copy's is sent a second time.
5. The revision goes on counting up, so that a running proxy reads the rules again.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from addons.store.actor import actor
from addons.store.backup import Checked, Copied, check, feed_states, opened, trail_of, value_of
from addons.store.gateways import JOINED
from addons.store.joined import Joined
from addons.store.private_file import write_private
from addons.store.schema import MIGRATIONS
from addons.store.seal import seal_of
from addons.store.syslog import syslog_of
from addons.store.tables import parts_of, table_of
from addons.store.trail import Trail
from detector.errors import StoreError
from detector.knowledge.database import Database
from detector.model.no_json import NO_JSON

# Every table of the schema is in one of the three.
DECIDED = ("rule", "candidate", "audit", "setting", "feed", "feed_list", "central")
SEEN = (
    "attempt", "attempt_day", "attempt_hour", "passage_day", "passage_sum", "unbound", "proxy", "leaf", "recheck",
    "reminded", "gateway", "alteration", "episode", "notice",
    "passage_told",
)  # fmt: skip
NEVER_BACK = ("outgoing",)
_MOST_TOLD = 1_000
_WHAT, _REMEDY = "bypass store", "name another one with --store FILE"


class Lost(msgspec.Struct, frozen=True):
    """An entry of the trail that the copy does not have."""

    number: int
    at: str
    by: str
    action: str
    subject: str
    digest: str


class Plan(msgspec.Struct, frozen=True):
    """What putting a copy back would change.

    Attributes:
        added: patterns that come (back) into the list.
        removed: patterns that go.
        changed: patterns whose rows differ.
        candidates: hosts whose state differs.
        feeds: names of vendors' lists that differ.
        lost: entries that only the present trail has.
        observed: tables that are empty here and are filled.
        other_key: the copy's trail was signed with another key than is here.
        faults: of the copy.

    """

    about: Copied
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    candidates: tuple[str, ...]
    feeds: tuple[str, ...]
    lost: tuple[Lost, ...]
    observed: tuple[str, ...]
    other_key: bool
    faults: tuple[str, ...] = ()


class _Brought(NamedTuple):
    """A copy that was checked, as a file of this version.

    Attributes:
        secret: the key in it.
        feeds: their states.

    """

    checked: Checked
    path: Path
    secret: str | None
    feeds: dict[str, str]


def plan(copy: Path, store: Path, now: datetime, environment: Mapping[str, str]) -> Plan:
    """What `restore` would change. Raises StoreError."""
    with _brought_up(copy, now) as brought:
        path = brought.path
        there = store
        if not store.exists():
            there = path.with_name("empty")
            _made(there)
        with _failing(store):
            uri = f"{there.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(uri, timeout=2.0, uri=True)) as db:
                db.execute("ATTACH DATABASE ? AS copy", (str(path),))
                return _planned(db, brought, seal_of(store, environment).public_key())


def restore(
    copy: Path,
    store: Path,
    why: str,
    now: Callable[[], datetime],
    by: str,
    environment: Mapping[str, str],
    *,
    force: bool = False,
) -> Plan:
    """Put a copy back, under running proxies too. Raises StoreError; then nothing is changed.

    Args:
        copy: a file of `back_up`.
        store: made when missing.
        why: for the trail.
        now: the clock.
        by: who does.
        environment: says where the key is.
        force: also one whose trail does not hold.

    """
    with _brought_up(copy, now()) as brought:
        checked, path, secret, _ = brought
        if checked.faults and not force:
            remedy = "take another copy; --force where this is the best there is"
            raise StoreError(str(copy), f"does not hold: {checked.faults[0]}", remedy=remedy)
        syslog = syslog_of(environment)
        seal = seal_of(store, environment)
        missing = secret is not None and seal.public_key() is None
        _set_aside(store)
        file = Database(store, _WHAT, _REMEDY, MIGRATIONS)
        try:
            if missing:
                write_private(seal.path, f"{secret}\n".encode(), beside=store)
            who = msgspec.json.encode(actor(environment)).decode()
            db = file.db
            trail = Trail(store, db, lambda: _failing(store), seal, syslog, now, by, who)
            with _failing(store):
                db.execute("ATTACH DATABASE ? AS copy", (str(path),))
                found = _put_back(db, trail, brought, copy, why)
            trail.publish(accepted=True)
            return found
        finally:
            file.close()


def _set_aside(store: Path) -> None:
    """What a store that is gone left behind: SQLite would take it for the new one's, a proxy may have it open still."""
    for end in () if store.exists() else ("-wal", "-shm"):
        left = store.with_name(store.name + end)
        with suppress(FileNotFoundError):
            left.replace(left.with_name(f"{left.name}.before-restore"))


def _put_back(
    db: sqlite3.Connection, trail: Trail, brought: _Brought, copy: Path, why: str
) -> Plan:
    """One transaction: what was decided, and the entries that say that it came back."""
    db.execute("BEGIN IMMEDIATE")
    try:
        found = _planned(db, brought, trail.seal.public_key())
        checked = brought.checked
        revision, joined = _revision(db, "main"), _joined(db)
        for name in DECIDED:
            db.execute(f"DELETE FROM main.{name}")  # noqa: S608 (literals)
        for name in (*DECIDED, *found.observed):
            columns = ", ".join(_columns(db, name))
            db.execute(
                f"INSERT INTO main.{name} ({columns}) SELECT {columns} FROM copy.{name}"  # noqa: S608
            )
        _tell_on(db, joined)
        query = "UPDATE setting SET value = ? WHERE name = 'revision'"
        db.execute(query, (str(max(revision, _revision(db, "main")) + 1),))
        rules = table_of(db.execute("SELECT pattern, row, state, until FROM main.rule"))
        candidates = dict(db.execute("SELECT host, state FROM main.candidate").fetchall())
        more = {
            "why": why,
            "restored": {
                "from": copy.name,
                "made": checked.about.made,
                "head": checked.head,
                "entries": checked.entries,
            },
            "faults": checked.faults,
            "lost": trail.lost(),
            "lost_entries": found.lost[-_MOST_TOLD:],
            "lost_count": len(found.lost),
            "rules": {
                "added": found.added[:_MOST_TOLD],
                "removed": found.removed[:_MOST_TOLD],
                "changed": found.changed[:_MOST_TOLD],
            },
            "changed_feeds": found.feeds[:_MOST_TOLD],
        }
        for number, details in enumerate(parts_of(rules, candidates, feed_states(db))):
            text = f"restored from {copy.name}: {why}"
            trail.enter("accept", text, {**details, **(more if not number else {"why": why})})
        db.execute("COMMIT")
    except BaseException:
        trail.forget()
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return found


def _joined(db: sqlite3.Connection) -> Joined | None:
    query = "SELECT value FROM main.setting WHERE name = ?"
    found = db.execute(query, (JOINED,)).fetchone()
    try:
        return msgspec.json.decode(found[0], type=Joined) if found is not None else None
    except NO_JSON:
        return None


def _tell_on(db: sqlite3.Connection, before: Joined | None) -> None:
    """Rule 4, for the centre that this store told something `before`; another one is told nothing of that."""
    joined = _joined(db)
    if joined is None or (before is not None and before.key != joined.key):
        for name in ("outgoing", "passage_told"):
            db.execute(f"DELETE FROM main.{name}")  # noqa: S608 (literals)
    elif before is not None:
        now = msgspec.structs.replace(
            joined,
            next=max(before.next, joined.next),
            cursor=before.cursor,
            lost=max(before.lost, joined.lost),
        )
        query = "UPDATE main.setting SET value = ? WHERE name = ?"
        db.execute(query, (msgspec.json.encode(now).decode(), JOINED))


@contextmanager
def _brought_up(copy: Path, now: datetime) -> Generator[_Brought]:
    """A copy that was checked, as a file of this version, and the key in it. Raises StoreError."""
    checked = check(copy, now)
    with _folder() as folder:
        path = Path(folder) / "copy"
        with opened(copy) as db:
            if strange := trail_of(db, copy).strangers():
                raise StoreError(str(copy), f"has a {strange[0]}, which tlsight never makes")
            secret = value_of(db, "key")
            with closing(sqlite3.connect(path)) as target:
                db.backup(target)
        _made(path)
        with _failing(copy), closing(sqlite3.connect(path)) as db:
            feeds = feed_states(db)
        yield _Brought(checked, path, secret, feeds)


@contextmanager
def _folder() -> Generator[str]:
    """For this user alone; a copy has the key. Raises StoreError."""
    try:
        made = tempfile.TemporaryDirectory(prefix="tlsight-")
    except OSError as error:
        raise StoreError("temporary folder", f"cannot be made: {error.strerror}") from None
    with made as folder:
        yield folder


def _made(path: Path) -> None:
    """A file of this version: brought up to it, or new. Raises StoreError for one of a later version."""
    Database(path, _WHAT, "update tlsight", MIGRATIONS).close()


def _planned(db: sqlite3.Connection, brought: _Brought, key: str | None) -> Plan:
    """`main` is the store, `copy` the copy."""

    def listed(query: str) -> tuple[str, ...]:
        return tuple(found for (found,) in db.execute(query))

    checked = brought.checked
    about, feeds = checked.about, feed_states(db)
    lost = db.execute(
        "SELECT number, at, by, action, subject, digest FROM main.audit AS p WHERE NOT EXISTS"
        " (SELECT 1 FROM copy.audit AS c WHERE c.number = p.number AND c.digest = p.digest)"
        " ORDER BY number"
    )
    there = set(listed("SELECT name FROM main.sqlite_schema WHERE type = 'table'"))
    return Plan(
        about,
        listed(
            "SELECT pattern FROM copy.rule WHERE pattern NOT IN (SELECT pattern FROM main.rule)"
        ),
        listed(
            "SELECT pattern FROM main.rule WHERE pattern NOT IN (SELECT pattern FROM copy.rule)"
        ),
        listed(
            "SELECT c.pattern FROM copy.rule AS c JOIN main.rule AS p ON p.pattern = c.pattern"
            " WHERE p.row IS NOT c.row OR p.state IS NOT c.state OR p.until IS NOT c.until"
        ),
        listed(
            "SELECT host FROM (SELECT host, state FROM copy.candidate"
            " EXCEPT SELECT host, state FROM main.candidate)"
            " UNION SELECT host FROM main.candidate WHERE host NOT IN"
            " (SELECT host FROM copy.candidate)"
        ),
        tuple(
            name
            for name in sorted({*feeds, *brought.feeds})
            if feeds.get(name) != brought.feeds.get(name)
        ),
        tuple(Lost(*row) for row in lost),
        tuple(
            name
            for name in SEEN
            if (name not in there or not _has_rows(db, "main", name))
            and _has_rows(db, "copy", name)
        ),
        about.public_key is not None and key is not None and about.public_key != key,
        checked.faults,
    )


def _has_rows(db: sqlite3.Connection, schema: str, name: str) -> bool:
    (found,) = db.execute(f"SELECT EXISTS (SELECT 1 FROM {schema}.{name})").fetchone()  # noqa: S608
    return bool(found)


def _columns(db: sqlite3.Connection, name: str) -> list[str]:
    return [row[1] for row in db.execute(f"PRAGMA main.table_info({name})")]


def _revision(db: sqlite3.Connection, schema: str) -> int:
    query = f"SELECT value FROM {schema}.setting WHERE name = 'revision'"  # noqa: S608
    found = db.execute(query).fetchone()
    return int(found[0]) if found is not None else 0


@contextmanager
def _failing(store: Path) -> Generator[None]:
    try:
        yield
    except (sqlite3.Error, ValueError) as error:
        raise StoreError(str(store), f"cannot be restored: {error}", remedy=_REMEDY) from None
