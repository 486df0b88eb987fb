"""A running proxy says in its log that a rule ends: once at each threshold, whatever is restarted.

Rules
-----
1. What was told is in the store (table `reminded`), so that of several proxies one says it, and none again after a
   restart. Without a store it is remembered as long as the proxy runs.
2. It is remembered with the end that it was about: a renewed rule begins again.
3. It is no decision: nothing of it is in the trail, and a store that cannot be written costs a line that comes again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from addons.bypass.due import ending, threshold
from addons.bypass.rule import Rule
from addons.bypass.shown import harmless_logger

log = harmless_logger(__name__)
# Lines at a time; a list that was imported ends on one day.
MOST_TOLD = 20
_KEPT = timedelta(days=60)


class Reminder(NamedTuple):
    """A rule that has come to a threshold, `until` as its end is said."""

    pattern: str
    until: str
    days: int


class Reminded:
    """Part of a BypassStore; `failing` turns sqlite3's errors into the store's."""

    def __init__(
        self, db: sqlite3.Connection, failing: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._db = db
        self._failing = failing

    def first(self, met: Iterable[Reminder], now: datetime) -> list[Reminder]:
        """Those that nobody was told of before; from now on they have been."""
        query = "SELECT until, days FROM reminded WHERE pattern = ?"
        fresh: list[Reminder] = []
        with self._failing(), self._db:
            self._db.execute("BEGIN IMMEDIATE")  # of two proxies one says it
            for one in met:
                row = self._db.execute(query, (one.pattern,)).fetchone()
                if not _told(row, one):
                    self._db.execute("REPLACE INTO reminded VALUES (?, ?, ?)", one)
                    fresh.append(one)
            oldest = (now - _KEPT).date().isoformat()
            self._db.execute("DELETE FROM reminded WHERE until < ?", (oldest,))
        return fresh


class HasReminded(Protocol):
    """A BypassStore."""

    reminded: Reminded


class Reminding:
    """Of one process. `tell` costs nothing until the day or the rules are others."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._seen: tuple[object, ...] = ()
        self._told: dict[str, Reminder] = {}

    def tell(
        self, store: HasReminded | None, by_hand: Sequence[Rule], stored: Sequence[Rule]
    ) -> None:
        """Log what is due and was not told. Raises StoreError, and then tries again."""
        now = self._now()
        # Both lists are replaced whole, never changed.
        seen = (now.date(), store, by_hand, stored)
        if _same(seen, self._seen):
            return
        rules = {one.pattern: one for one in (*by_hand, *stored)}
        met = [
            Reminder(pattern, rule.until, days)
            for pattern, rule in rules.items()
            if (days := threshold(rule, now)) is not None
        ]
        fresh = [one for one in met if not _told(self._told.get(one.pattern), one)]
        told = store.reminded.first(fresh, now) if store is not None and fresh else fresh
        self._told, self._seen = {one.pattern: one for one in met}, seen
        for one in told[:MOST_TOLD]:
            rule = rules[one.pattern]
            owner = rule.owner or "nobody"
            log.warning(
                "tlsight: the rule %s, owned by %s: %s", one.pattern, owner, ending(rule, now)
            )
        if len(told) > MOST_TOLD:
            log.warning(
                "tlsight: %d more rules end soon: tlsight bypass due", len(told) - MOST_TOLD
            )


def _same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """The same day, and the very lists."""
    return one[:1] == other[:1] and all(a is b for a, b in zip(one[1:], other[1:], strict=True))


def _told(before: tuple[str, int] | Reminder | None, one: Reminder) -> bool:
    """Whether this end was told at this threshold, or at a nearer one."""
    if before is None:
        return False
    until, days = before[-2:]
    return until == one.until and int(days) <= one.days
