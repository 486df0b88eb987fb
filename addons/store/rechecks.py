"""What was found of each rule when it was last looked at, and what the store knows to judge it by."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from addons.bypass.attempt import Attempt, classify
from addons.bypass.clients import client_of
from addons.bypass.lint import UNUSED_DAYS
from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.rechecking import Case, Inspected, Rechecked, Use
from addons.bypass.rule import Rule
from detector.chain.names import as_address
from detector.model.no_json import NO_JSON

if TYPE_CHECKING:
    from addons.store.bypass_store import BypassStore

# The latest ones tell how clients are inspected by now.
_ATTEMPTS = 50_000
_MOST_PROBES, _KEPT = 500, timedelta(days=400)
_REFUSALS = frozenset(("refused", "refused-silently", "hung-up"))


class Rechecks:
    """Part of a BypassStore; `failing` turns sqlite3's errors into the store's."""

    def __init__(
        self, db: sqlite3.Connection, failing: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._db = db
        self._failing = failing

    def all(self) -> dict[str, Rechecked]:
        """By pattern; none in a store of old, and none that cannot be read."""
        with self._failing():
            there = "SELECT 1 FROM sqlite_schema WHERE name = 'recheck'"
            if self._db.execute(there).fetchone() is None:
                return {}
            rows = self._db.execute("SELECT pattern, body FROM recheck").fetchall()
        decoder = msgspec.json.Decoder(Rechecked)
        found: dict[str, Rechecked] = {}
        for pattern, body in rows:
            try:
                found[pattern] = decoder.decode(body)
            except NO_JSON:
                continue  # of a version to come
        return found

    def keep(self, found: Iterable[Rechecked], rules: Iterable[str]) -> None:
        """In place of what was found before; what is about none of the `rules` (patterns) goes."""
        encoder = msgspec.json.Encoder()
        rows = [(one.pattern, one.at.isoformat(), encoder.encode(one).decode()) for one in found]
        there = msgspec.json.encode(list(rules)).decode()
        with self._failing(), self._db:
            self._db.executemany("REPLACE INTO recheck VALUES (?, ?, ?)", rows)
            self._db.execute(
                "DELETE FROM recheck WHERE pattern NOT IN (SELECT value FROM json_each(?))",
                (there,),
            )

    def last(self) -> datetime | None:
        """When a rule was looked at last."""
        with self._failing():
            ((at,),) = self._db.execute("SELECT max(at) FROM recheck").fetchall()
        return datetime.fromisoformat(at) if at else None

    def uses(
        self, now: datetime, probes: Mapping[str, Sequence[datetime]]
    ) -> tuple[dict[str, Use], bool]:
        """What passed by each rule without the `probes`, by pattern; and whether any traffic was seen lately."""
        begin = now.date() - timedelta(days=UNUSED_DAYS)
        query = "SELECT rule, day, sum(connections), sum(up + down) FROM passage_day GROUP BY rule, day ORDER BY day"
        others = "SELECT 1 FROM attempt_day WHERE day >= ? LIMIT 1"
        with self._failing():
            rows = self._db.execute(query).fetchall()
            seen = self._db.execute(others, (begin.isoformat(),)).fetchone() is not None
        found: dict[str, Use] = {}
        for rule, text, count, size in rows:
            day = date.fromisoformat(text)
            mine = count - sum(at.date() == day for at in probes.get(rule, ()))
            before = found.get(rule, Use())
            last = day if mine > 0 else before.last
            if day < begin:
                found[rule] = msgspec.structs.replace(before, last=last)
                continue
            seen = seen or mine > 0
            connections = max(before.connections + mine, 0)
            found[rule] = Use(connections, before.size + size, last)
        return found, seen


def cases(store: BypassStore, rules: Sequence[Rule], now: datetime) -> list[Case]:
    """What the store knows of every rule that passes, in their order; nobody was asked yet."""
    before = store.rechecks.all()
    uses, seen = store.rechecks.uses(now, {name: one.probes for name, one in before.items()})
    matcher = Matcher(rules)
    unsaid = {id(rule): why for rule, why in matcher.unsaid}
    inspected = _inspected(store.traffic.attempts(last=_ATTEMPTS), matcher, now)
    return [
        Case(
            rule,
            now,
            uses.get(rule.pattern, Use()),
            inspected.get(rule.pattern, Inspected()),
            unsaid.get(id(rule)),
            seen,
        )
        for rule in rules
        if rule.action == "pass"
    ]


def recent(probes: Iterable[datetime], now: datetime) -> tuple[datetime, ...]:
    """Those that still stand in counts."""
    return tuple(sorted(at for at in probes if now - at <= _KEPT))[-_MOST_PROBES:]


def _inspected(
    attempts: Iterable[Attempt], matcher: Matcher, now: datetime
) -> dict[str, Inspected]:
    """By pattern: clients that trust us elsewhere, and what they did at hosts of a rule after its first day."""
    trusting: set[str] = set()
    refused: dict[str, set[str]] = {}
    taken: dict[str, set[str]] = {}
    for one in attempts:
        kind = classify(one)
        if (
            one.side != "client"
            or one.bound is not True
            or not (kind == "trusted" or kind in _REFUSALS)
        ):
            continue
        client = client_of(one).name
        if kind == "trusted":
            trusting.add(client)
        name = one.host if as_address(one.host) is None else None
        rule = matcher.match(
            Arrival(name, one.host, one.address, one.port, one.client, one.ja4), now
        )
        if rule is None or rule.action != "pass" or rule.created is None:
            continue
        if one.at.date() > rule.created:
            whose = taken if kind == "trusted" else refused
            whose.setdefault(rule.pattern, set()).add(client)
    return {
        pattern: Inspected(len(refused.get(pattern, set()) & trusting), len(taken.get(pattern, ())))
        for pattern in {*refused, *taken}
    }
