"""Feeds in the store: what a person decided of each, the edition in force and the one that waits, row by row.

Rules
-----
1. A change of what is in force, of what waits, of when its source said so, or of how a feed is kept is one transaction
   with its entry in the trail, which has the digest of it all (`state_of`): what somebody changed in the file is told
   by `bypass audit verify`.
2. All that decides is read inside that transaction, and nothing is decided about a feed that is not as the trail says:
   else the next entry would vouch for what somebody put there.
3. That a source still says what it said is an entry at most once a day, and as often as `max_age` needs it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any

import msgspec

from addons.bypass.audit import AuditEntry
from addons.bypass.change import lean
from addons.bypass.feed import (
    Difference,
    Edition,
    Feed,
    Settings,
    admitted,
    difference,
    rules_of,
    state_of,
    why_a_person,
    why_refused,
)
from addons.bypass.guarded import guarded
from addons.bypass.ledger import BadEntryError, feeds_by
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
        changing: a transaction with its entry: action, subject, details, and `parts` that are made in it.
        entries: the trail.
        now: the clock.

    """

    def __init__(
        self,
        db: sqlite3.Connection,
        failing: Callable[[], AbstractContextManager[None]],
        writing: Callable[[], AbstractContextManager[None]],
        changing: Callable[..., AbstractContextManager[None]],
        entries: Callable[[], Iterable[AuditEntry]],
        now: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._failing = failing
        self._writing = writing
        self._changing = changing
        self._entries = entries
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
            lists = self._db.execute("SELECT name FROM feed_list")
            names += [name for (name,) in lists.fetchall()]
        found: dict[str, str] = {}
        for name in dict.fromkeys(names):
            try:
                found[name] = self._state(name)
            except (StoreError, ConfigError):
                found[name] = "cannot be read"
        return found

    def change(self, name: str) -> Difference:
        """What accepting the edition that waits would do."""
        return difference(self.rows(name), self.rows(name, "waiting"))

    def add(self, name: str, settings: Settings) -> None:
        """Raises ConfigError where there is one of that name."""
        with self._deciding("feed add", name, there=False) as about:
            if name in self.all():
                remedy = "tlsight bypass feed set changes how it is kept; feed remove takes it away"
                raise ConfigError(name, "is a feed already", remedy=remedy)
            about["settings"] = settings
            self._put(name, Feed(settings))

    def set(self, name: str, settings: Settings) -> None:
        """Keep it in another way. What would make another list of it puts away what waits."""
        with self._deciding("feed set", name) as about:
            about["settings"] = settings
            known = self.one(name)
            feed = msgspec.structs.replace(known, settings=settings)
            if _makes(known.settings) != _makes(settings):
                # What the server calls unchanged is no longer what would be made of it.
                there = feed.accepted
                if there is not None:
                    there = msgspec.structs.replace(there, etag=None, modified=None, again=True)
                feed = msgspec.structs.replace(feed, accepted=there, waiting=None)
                self._put_away(name)
            self._put(name, feed)

    def remove(self, name: str, why: str = "") -> None:
        """Its rules are in force no more."""
        with self._changing("feed remove", name, {"why": why, "state": None}):
            self.one(name)
            self._db.execute("DELETE FROM feed WHERE name = ?", (name,))
            self._db.execute("DELETE FROM feed_list WHERE name = ?", (name,))

    def arrive(self, name: str, edition: Edition, rows: Rows, *, older: bool = False) -> str | None:
        """Take what was fetched: it is in force if it is the same, or may be accepted by itself; else it waits.

        Returns why a person must accept it, None where it is in force. Raises ConfigError where it is older than
        what was accepted meanwhile, unless `older`.
        """
        feed = self.one(name)
        before = self.rows(name) if feed.accepted is not None else ()
        waits = self.rows(name, "waiting") if feed.waiting is not None else ()
        change = difference(before, rows)
        why = why_a_person(change, len(before), feed.settings.auto)
        if why is None and feed.accepted is None:
            why = "changes wait for a person"
        same = feed.accepted is not None and edition.digest == feed.accepted.digest and not change
        if why is None and same:
            self.confirm(name, edition.fetched)
            return None
        if why is not None and _is_same(feed.waiting, edition) and waits == rows:
            self.same_again(name)
            return why
        with self._deciding("feed accept" if why is None else "feed wait", name) as about:
            if self.one(name) != feed or self.rows(name) != before:
                raise _changed_meanwhile(name)
            refused = None if older else why_refused(edition, feed.accepted)
            if refused is not None:
                raise ConfigError(name, f"is refused: {refused}")
            if why is None:
                about.update(self._accept(name, feed, edition, rows, change, by_itself=True))
            else:
                about.update(digest=edition.digest, number=edition.number, count=len(rows))
                kept = msgspec.structs.replace(
                    feed, waiting=edition, tried=edition.fetched, trouble=""
                )
                self._put(name, kept)
                self._put_rows(name, "waiting", rows)
        return why

    def confirm(self, name: str, at: datetime | None = None) -> None:
        """The source says what is in force already: it is fresh, and nothing waits.

        `at` is the moment of which that is true, now when left out.
        """
        now = self._now().replace(microsecond=0)
        at = at or now
        feed = self.one(name)
        kept = msgspec.structs.replace(feed, tried=now, trouble="")
        again = feed.accepted is not None and feed.accepted.again
        if not again and feed.waiting is None and not _moves(feed, at):
            with self._writing():
                self._put(name, kept)
            return
        with self._deciding("feed confirm", name) as about:
            if self.one(name) != feed:
                raise _changed_meanwhile(name)
            about["at"] = at
            there = feed.accepted
            if there is not None and again:
                there = msgspec.structs.replace(there, again=False)
            self._put_away(name)
            kept = msgspec.structs.replace(kept, accepted=there, waiting=None, confirmed=at)
            self._put(name, kept)

    def same_again(self, name: str) -> None:
        """The source says what waits already."""
        now = self._now().replace(microsecond=0)
        with self._writing():
            self._put(name, msgspec.structs.replace(self.one(name), tried=now, trouble=""))

    def fail(self, name: str, why: str, *, refused: bool) -> None:
        """Nothing came of asking; what was `refused` is noted in the trail, once for each reason."""
        now = self._now().replace(microsecond=0)
        noted = refused and self.one(name).trouble != why
        with self._changing("feed refuse", name, {"why": why}) if noted else self._writing():
            self._put(name, msgspec.structs.replace(self.one(name), tried=now, trouble=why))

    def accept(self, name: str, digest: str | None = None) -> Difference:
        """Put in force what waits. Raises ConfigError where nothing does, or something else than `digest` begins;
        and for rows that no feed may have.
        """
        with self._deciding("feed accept", name) as about:
            feed = self.one(name)
            if feed.waiting is None:
                remedy = f"tlsight bypass feed update {name} asks its source"
                raise ConfigError(name, "nothing waits", remedy=remedy)
            if digest is not None and not feed.waiting.digest.startswith(digest.lower()):
                why = f"what waits is {feed.waiting.digest}: another list came since"
                raise ConfigError(name, why, remedy=f"look at it: tlsight bypass feed diff {name}")
            rows = self.rows(name, "waiting")
            _, left = admitted(rows, self._now(), guarded(), shared=feed.settings.shared)
            if left:
                why = f"{left[0].entry} is nothing that a feed may have: {left[0].why}"
                raise ConfigError(name, why, remedy=f"feed remove {name}, and add it again")
            change = difference(self.rows(name), rows)
            about.update(self._accept(name, feed, feed.waiting, rows, change, by_itself=False))
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
    ) -> dict[str, object]:
        """Inside a transaction; what its entry says."""
        kept = msgspec.structs.replace(
            feed, accepted=edition, waiting=None, confirmed=edition.fetched, tried=edition.fetched,
            trouble="",
        )  # fmt: skip
        self._put(name, kept)
        self._put_rows(name, "accepted", rows)
        self._put_away(name)
        return {
            "source": feed.settings.source, "digest": edition.digest, "number": edition.number,
            "count": len(rows), "by_itself": by_itself, **change.counts,
            "new": _named(change.added), "gone": _named(change.removed), "other": _named(change.changed),
        }  # fmt: skip

    @contextmanager
    def _deciding(
        self, action: str, name: str, *, there: bool = True
    ) -> Generator[dict[str, object]]:
        """One transaction of a decision and its entry, which says what is put into the mapping, and the state."""
        about: dict[str, object] = {}
        entry: list[object] = []
        with self._changing(action, name, parts=entry, rules=action != "feed wait"):
            if there:
                self._expect_vouched(name)
            yield about
            entry.append({**about, "state": self._state(name)})

    def _expect_vouched(self, name: str) -> None:
        """Raises ConfigError for a feed that is not as the trail says, or that is none."""
        self.one(name)
        try:
            meant = feeds_by(self._entries()).get(name)
        except BadEntryError as error:
            remedy = "tlsight bypass audit verify"
            raise ConfigError("audit trail", str(error), remedy=remedy) from None
        if meant != self._state(name):
            remedy = f"tlsight bypass audit verify says more; feed remove {name}, and add it again"
            raise ConfigError(name, "was changed in the file by somebody else", remedy=remedy)

    def _state(self, name: str) -> str:
        return state_of(self.one(name), self.rows(name), self.rows(name, "waiting"))

    def _put_away(self, name: str) -> None:
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


def _changed_meanwhile(name: str) -> ConfigError:
    remedy = f"tlsight bypass feed update {name} asks again"
    return ConfigError(name, "was changed while its source was asked", remedy=remedy)


def _makes(settings: Settings) -> tuple[object, ...]:
    """What decides which list is made of what comes."""
    return settings.source, settings.key, settings.form, settings.shared


def _is_same(one: Edition | None, other: Edition) -> bool:
    if one is None:
        return False
    return (one.digest, one.number, one.numbering) == (other.digest, other.number, other.numbering)


def _moves(feed: Feed, at: datetime) -> bool:
    """Whether that the source said it again is worth an entry: rule 3."""
    if feed.confirmed is None or at < feed.confirmed:
        return True
    return at - feed.confirmed >= min(timedelta(days=1), timedelta(hours=feed.settings.max_age))


def _named(rows: Rows) -> list[str]:
    return [kept_rule(row).pattern for row in rows[:_MOST_NAMED]]


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _read(text: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except NO_JSON as error:
        raise StoreError("bypass store", f"a feed is malformed: {error}") from None
