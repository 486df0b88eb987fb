"""Copies of a store, made while proxies write it, and put back while they read it.

What is in a copy
-----------------
All of the store at one moment: SQLite's own backup reads one snapshot and lets others write meanwhile. Beside it, in
a table of its own, what the trail needs to be believed elsewhere: the heads, the public key, and the key that signs
where it lies beside the store anyway. A key that was put out of reach of who has the store stays out of the copy.
What is not in it: the rules kept by hand, the page's users, mitmproxy's CA and settings.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import stat
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from addons.bypass.audit import Head
from addons.bypass.verification import Evidence, Verified, verified
from addons.store.feeds import Feeds
from addons.store.schema import MIGRATIONS, OLDEST_READABLE
from addons.store.seal import KEY_VARIABLE, seal_of
from addons.store.tables import table_of
from addons.store.trail import Trail
from detector.errors import StoreError
from detector.knowledge.database import Database

_TABLE = "CREATE TABLE backup (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT"
_MOST_HELD = 1 << 20  # characters of a value in that table
_REMEDY = "tlsight bypass backup FILE makes one"


class Copied(msgspec.Struct, frozen=True):
    """What a copy says of itself.

    Attributes:
        made: when, ISO 8601.
        store: the path that it was copied from.
        version: of tlsight.
        has_key: whether the signing key is in it.

    """

    made: str
    store: str
    version: str
    public_key: str | None
    has_key: bool


class Checked(msgspec.Struct, frozen=True):
    """A copy that was looked at.

    Attributes:
        faults: of the file or the trail; empty where all holds.
        notes: what is good to know.

    """

    about: Copied
    rules: int
    candidates: int
    entries: int
    head: str
    faults: tuple[str, ...]
    notes: tuple[str, ...] = ()


def back_up(
    store: Path,
    target: Path,
    now: datetime,
    environment: Mapping[str, str],
    *,
    version: str,
    force: bool = False,
    key: bool | None = None,
) -> Checked:
    """Copy a store to a file, mode 0600, and check the copy. Raises StoreError; then there is no file.

    Args:
        store: may be in use.
        target: refused where it is there, unless `force`.
        now: when it is made.
        environment: says where the key is.
        version: of tlsight.
        force: put it in the place of what is there.
        key: whether the signing key goes along; where it lies beside the store, when left out.

    """
    _expect_room(store, target, force=force)
    seal = seal_of(store, environment)
    heads, public = seal.heads() or (), seal.public_key()  # before the copy: none is ahead of it
    with_key = public is not None and (KEY_VARIABLE not in environment if key is None else key)
    about = Copied(now.isoformat(), str(store.absolute()), version, public, with_key)
    part = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    try:
        secret = seal.path.read_text("ascii").strip() if with_key else None
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _copy(store, part)
        with closing(sqlite3.connect(part)) as db:
            _drop_computed(db)
            _add(db, about, heads, secret)
        found = check(part, now)
        _move(part, target, force=force)
    except OSError as error:
        raise StoreError(str(target), f"cannot be written: {error.strerror}") from None
    except sqlite3.Error as error:
        raise StoreError(str(target), f"cannot be written: {error}") from None
    finally:
        for end in ("", "-journal", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                part.with_name(part.name + end).unlink()
    return found


def check(copy: Path, now: datetime) -> Checked:
    """Whether a copy is whole, and its trail holds. Raises StoreError for a file that is no copy."""
    with opened(copy) as db:
        about, heads = about_of(db, copy), _heads(db, copy)
        faults = tuple(one for (one,) in db.execute("PRAGMA integrity_check(20)") if one != "ok")
        rules, candidates = (
            db.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608 (literals)
            for name in ("rule", "candidate")
        )
        notes: tuple[str, ...] = ()
        if os.name == "posix" and copy.stat().st_mode & 0o077:
            notes = (f"others can read it: chmod 600 {copy}",)
        if faults:
            return Checked(about, rules, candidates, 0, "", faults, notes)
        found = _verified(db, about, heads, copy, now)
    return Checked(
        about, rules, candidates, found.entries, found.head, found.faults, notes + found.notes
    )


@contextmanager
def opened(copy: Path) -> Generator[sqlite3.Connection]:
    """A copy to read, nothing in it believed. Raises StoreError, also inside, for sqlite3's errors."""
    try:
        if not stat.S_ISREG(copy.stat().st_mode):
            raise StoreError(str(copy), "is no regular file")
        uri = f"{copy.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as db:
            db.execute("PRAGMA trusted_schema = OFF")
            db.execute("PRAGMA cell_size_check = ON")
            yield db
    except OSError as error:
        raise StoreError(str(copy), f"cannot be read: {error.strerror}") from None
    except (sqlite3.Error, OverflowError, UnicodeError) as error:
        raise StoreError(str(copy), f"is no backup of ours: {error}", remedy=_REMEDY) from None


def about_of(db: sqlite3.Connection, copy: Path) -> Copied:
    """What it says of itself. Raises StoreError."""
    try:
        about = msgspec.json.decode(value_of(db, "about") or "", type=Copied)
        if datetime.fromisoformat(about.made).tzinfo is None:
            raise ValueError("a time without a zone")
    except (msgspec.MsgspecError, ValueError):
        raise StoreError(str(copy), "is no backup of ours", remedy=_REMEDY) from None
    return about


def value_of(db: sqlite3.Connection, name: str) -> str | None:
    """What is kept beside the store under a name: about, heads, key."""
    query = "SELECT substr(value, 1, ?) FROM backup WHERE name = ?"
    found = db.execute(query, (_MOST_HELD, name)).fetchone()
    return str(found[0]) if found is not None else None


def trail_of(db: sqlite3.Connection, path: Path) -> Trail:
    """The trail in an open file, to be read."""
    return Trail(
        path, db, contextlib.nullcontext, seal_of(path, {}), None, lambda: datetime.now(UTC), "", ""
    )


def feed_states(db: sqlite3.Connection) -> dict[str, str]:
    """The feeds of an open file, as the trail has them."""
    nothing = contextlib.nullcontext
    return Feeds(
        db, nothing, nothing, lambda *_: contextlib.nullcontext(), tuple, lambda: datetime.now(UTC)
    ).states()


def _expect_room(store: Path, target: Path, *, force: bool) -> None:
    """Raises StoreError."""
    if target.is_symlink() or (target.exists() and not (force and target.is_file())):
        raise StoreError(str(target), "is there already", remedy="give another name, or --force")
    own = [store, *(store.with_name(store.name + end) for end in ("-wal", "-shm", ".key"))]
    if any(target.resolve() == one.resolve() for one in own):
        raise StoreError(str(target), "is a file of the store itself")


def _copy(store: Path, part: Path) -> None:
    """One snapshot; whoever writes meanwhile does not wait."""
    remedy = "name another one with --store FILE"
    source = Database(
        store, "bypass store", remedy, MIGRATIONS, read_only=True, oldest=OLDEST_READABLE
    )
    try:
        with closing(sqlite3.connect(part)) as target:
            source.db.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, also while it is read
    finally:
        source.close()


def _drop_computed(db: sqlite3.Connection) -> None:
    """Indexes of expressions stay behind: a schema that calls json_extract cannot be read where it is not trusted.

    An index is made of the rows anyway, and only rows are put back.
    """
    query = (
        "SELECT name FROM sqlite_schema AS s WHERE type = 'index' AND sql IS NOT NULL"
        " AND EXISTS (SELECT 1 FROM pragma_index_xinfo(s.name) WHERE cid = -2)"
    )
    for (name,) in db.execute(query).fetchall():
        db.execute(f'DROP INDEX "{name}"')


def _add(
    db: sqlite3.Connection, about: Copied, heads: tuple[Head, ...], secret: str | None
) -> None:
    trail = trail_of(db, Path(about.store))
    there = {(entry.number, entry.digest) for entry in trail.entries()}
    kept = [one for one in heads if (one.number, one.digest) not in there]
    last = next(trail.entries(last=1), None)
    if last is not None and last.signature is not None and about.public_key is not None:
        kept.append(Head(last.number, last.digest, about.public_key, last.signature))
    values = {"about": _json(about), "heads": _json(kept)}
    if secret is not None:
        values["key"] = secret
    db.execute("DROP TABLE IF EXISTS backup")
    db.execute(_TABLE)
    db.executemany("INSERT INTO backup VALUES (?, ?)", values.items())
    db.commit()


def _heads(db: sqlite3.Connection, copy: Path) -> tuple[Head, ...]:
    try:
        return msgspec.json.decode(value_of(db, "heads") or "", type=tuple[Head, ...])
    except msgspec.MsgspecError:
        raise StoreError(str(copy), "holds no heads") from None


def _verified(
    db: sqlite3.Connection, about: Copied, heads: tuple[Head, ...], copy: Path, now: datetime
) -> Verified:
    trail = trail_of(db, copy)
    strangers = tuple(
        f"the file has a {one}, which tlsight never makes" for one in trail.strangers()
    )
    rules = table_of(db.execute("SELECT pattern, row, state, until FROM rule"))
    candidates = dict(db.execute("SELECT host, state FROM candidate").fetchall())
    keys = (about.public_key,) if about.public_key is not None else ()
    kept = heads if about.public_key is not None else None
    evidence = Evidence(rules, candidates, keys, kept, feeds=feed_states(db))
    found = verified(list(trail.entries()), evidence, now)
    return msgspec.structs.replace(found, faults=(*strangers, *found.faults))


def _move(part: Path, target: Path, *, force: bool) -> None:
    """Whole into its place, and never over somebody else's that came meanwhile. Raises OSError."""
    descriptor = os.open(part, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if not force:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    part.replace(target)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
