"""Feeds in the store: what a person decided of each, the edition in force and the one that waits, row by row.

A change of what is in force, or of how a feed is kept, is one transaction with its entry in the trail, which has the
digest of it all (`state_of`): rows that somebody changed in the file are told by `bypass audit verify`. What was
fetched and waits is in force nowhere, and leaves no entry.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import msgspec

from addons.bypass.change import lean
from addons.bypass.feed import (
    Difference,
    Edition,
    Feed,
    Settings,
    difference,
    rules_of,
    state_of,
    why_a_person,
)
from addons.bypass.rule import Rule, RuleRow, kept_rule
from detector.errors import ConfigError, StoreError, TargetError
from detector.model.no_json import NO_JSON

# Of what a change adds and takes away, in its entry; all of it is in the digest.
_MOST_NAMED = 200
Rows = tuple[RuleRow, ...]


class Feeds:
    """Part of a BypassStore.

    Args:
        db: its connection.
        failing: turns sqlite3's errors into the store's.
        writing: a transaction.
        changing: a transaction with its entry: action, subject, details.
        now: the clock.

    """

    def __init__(
        self,
        db: sqlite3.Connection,
        failing: Callable[[], AbstractContextManager[None]],
        writing: Callable[[], AbstractContextManager[None]],
        changing: Callable[[str, str, object], AbstractContextManager[None]],
        now: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._failing = failing
        self._writing = writing
        self._changing = changing
        self._now = now

    def all(self) -> dict[str, Feed]:
        """Every feed by name; none in a store of before there were any."""
        with self._failing():
            if not self._is_there():
                return {}
            rows = self._db.execute("SELECT name, body FROM feed ORDER BY name").fetchall()
        return {name: _read(body, Feed) for name, body in rows}

    def one(self, name: str) -> Feed:
        """Raises ConfigError where there is none."""
        found = self.all().get(name)
        if found is None:
            remedy = "tlsight bypass feed list shows them, feed add makes one"
            raise ConfigError(name, "is no feed here", remedy=remedy)
        return found

    def rows(self, name: str, place: str = "accepted") -> Rows:
        """The rows of its edition that is "accepted", or that is "waiting"."""
        with self._failing():
            query = "SELECT rows FROM feed_list WHERE name = ? AND place = ?"
            found = self._db.execute(query, (name, place)).fetchone()
        return _read(found[0], Rows) if found is not None else ()

    def rules(self) -> list[Rule]:
        """What all of them have in force, each rule naming its feed. Raises StoreError for a row that is none."""
        found: list[Rule] = []
        for name, feed in self.all().items():
            if feed.accepted is not None:
                try:
                    found += rules_of(name, feed, self.rows(name))
                except (ValueError, TargetError) as error:
                    raise StoreError("bypass store", f"feed {name} is malformed: {error}") from None
        return found

    def states(self) -> dict[str, str]:
        """A digest by name, as the trail has them; of a feed that cannot be read, why."""
        with self._failing():
            if not self._is_there():
                return {}
            names = [name for (name,) in self._db.execute("SELECT name FROM feed")]
            lists = self._db.execute("SELECT name FROM feed_list WHERE place = 'accepted'")
            names += [name for (name,) in lists.fetchall()]
        found: dict[str, str] = {}
        for name in dict.fromkeys(names):
            try:
                found[name] = state_of(self.one(name), self.rows(name))
            except (StoreError, ConfigError):
                found[name] = "cannot be read"
        return found

    def change(self, name: str) -> Difference:
        """What accepting the edition that waits would do."""
        return difference(self.rows(name), self.rows(name, "waiting"))

    def add(self, name: str, settings: Settings) -> None:
        """Raises ConfigError where there is one of that name."""
        if name in self.all():
            remedy = "tlsight bypass feed set changes how it is kept; feed remove takes it away"
            raise ConfigError(name, "is a feed already", remedy=remedy)
        self._settle("feed add", name, Feed(settings), ())

    def set(self, name: str, settings: Settings) -> None:
        """Keep it in another way. Another source or key puts away what waits."""
        known = self.one(name)
        before = known.settings
        feed = msgspec.structs.replace(known, settings=settings)
        if (before.source, before.key, before.form) != (
            settings.source,
            settings.key,
            settings.form,
        ):
            # What the server calls unchanged is no longer what would be made of it.
            there = feed.accepted
            if there is not None:
                there = msgspec.structs.replace(there, etag=None, modified=None)
            feed = msgspec.structs.replace(feed, accepted=there, waiting=None)
        self._settle("feed set", name, feed, self.rows(name))

    def remove(self, name: str, why: str = "") -> None:
        """Its rules are in force no more."""
        self.one(name)
        with self._changing("feed remove", name, {"why": why, "state": None}):
            self._db.execute("DELETE FROM feed WHERE name = ?", (name,))
            self._db.execute("DELETE FROM feed_list WHERE name = ?", (name,))

    def arrive(self, name: str, edition: Edition, rows: Rows) -> str | None:
        """Take what was fetched: it is in force if it is the same, or may be accepted by itself; else it waits.

        Returns why a person must accept it, None where it is in force.
        """
        feed = self.one(name)
        there = self.rows(name) if feed.accepted is not None else ()
        change = difference(there, rows)
        why = why_a_person(change, len(there), feed.settings.auto)
        if why is None and feed.accepted is not None:
            if edition.digest == feed.accepted.digest and not change:
                self.confirm(name, edition.fetched)
            else:
                self._accept(name, feed, edition, rows, change, by_itself=True)
            return None
        kept = msgspec.structs.replace(feed, waiting=edition, tried=edition.fetched, trouble="")
        with self._writing():
            self._put(name, kept)
            self._put_rows(name, "waiting", rows)
        return why or "changes wait for a person"

    def confirm(self, name: str, at: datetime | None = None) -> None:
        """The source says what is in force already: it is fresh, and nothing waits.

        `at` is the moment of which that is true, now when left out.
        """
        now = self._now().replace(microsecond=0)
        feed = self.one(name)
        kept = msgspec.structs.replace(
            feed, waiting=None, confirmed=at or now, tried=now, trouble=""
        )
        with self._writing():
            self._put(name, kept)
            self._db.execute("DELETE FROM feed_list WHERE name = ? AND place = 'waiting'", (name,))
            # Rules that end when it is stale end later now.
            self._db.execute("UPDATE setting SET value = value + 1 WHERE name = 'revision'")

    def same_again(self, name: str) -> None:
        """The source says what waits already."""
        now = self._now().replace(microsecond=0)
        with self._writing():
            self._put(name, msgspec.structs.replace(self.one(name), tried=now, trouble=""))

    def fail(self, name: str, why: str, *, refused: bool) -> None:
        """Nothing came of asking; what was `refused` is noted in the trail, once for each reason."""
        feed = self.one(name)
        now = self._now().replace(microsecond=0)
        kept = msgspec.structs.replace(feed, tried=now, trouble=why)
        if refused and feed.trouble != why:
            with self._changing("feed refuse", name, {"why": why}):
                self._put(name, kept)
            return
        with self._writing():
            self._put(name, kept)

    def accept(self, name: str, digest: str | None = None) -> Difference:
        """Put in force what waits. Raises ConfigError where nothing does, or something else than `digest` begins."""
        feed = self.one(name)
        if feed.waiting is None:
            remedy = f"tlsight bypass feed update {name} asks its source"
            raise ConfigError(name, "nothing waits", remedy=remedy)
        if digest is not None and not feed.waiting.digest.startswith(digest.lower()):
            why = f"what waits is {feed.waiting.digest}: another list came since"
            raise ConfigError(name, why, remedy=f"look at it: tlsight bypass feed diff {name}")
        rows = self.rows(name, "waiting")
        change = difference(self.rows(name), rows)
        self._accept(name, feed, feed.waiting, rows, change, by_itself=False)
        return change

    def _accept(
        self,
        name: str,
        feed: Feed,
        edition: Edition,
        rows: Rows,
        change: Difference,
        *,
        by_itself: bool,
    ) -> None:
        kept = msgspec.structs.replace(
            feed, accepted=edition, waiting=None, confirmed=edition.fetched, tried=edition.fetched,
            trouble="",
        )  # fmt: skip
        about = {
            "source": feed.settings.source, "digest": edition.digest, "number": edition.number,
            "count": len(rows), "by_itself": by_itself, **change.counts,
            "new": _named(change.added), "gone": _named(change.removed), "other": _named(change.changed),
        }  # fmt: skip
        self._settle("feed accept", name, kept, rows, about)

    def _settle(
        self,
        action: str,
        name: str,
        feed: Feed,
        rows: Rows,
        about: Mapping[str, object] | None = None,
    ) -> None:
        """One transaction of a decision and its entry."""
        said = {"settings": feed.settings} if about is None else about
        with self._changing(action, name, {**said, "state": state_of(feed, rows)}):
            self._put(name, feed)
            if feed.accepted is not None:
                self._put_rows(name, "accepted", rows)
            if feed.waiting is None:
                query = "DELETE FROM feed_list WHERE name = ? AND place = 'waiting'"
                self._db.execute(query, (name,))

    def _put(self, name: str, feed: Feed) -> None:
        self._db.execute("REPLACE INTO feed (name, body) VALUES (?, ?)", (name, _text(feed)))

    def _put_rows(self, name: str, place: str, rows: Rows) -> None:
        query = "REPLACE INTO feed_list (name, place, rows) VALUES (?, ?, ?)"
        self._db.execute(query, (name, place, _text([*map(lean, rows)])))

    def _is_there(self) -> bool:
        query = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'feed_list'"
        (count,) = self._db.execute(query).fetchone()
        return bool(count)


def _named(rows: Rows) -> list[str]:
    return [kept_rule(row).pattern for row in rows[:_MOST_NAMED]]


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _read(text: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except NO_JSON as error:
        raise StoreError("bypass store", f"a feed is malformed: {error}") from None
