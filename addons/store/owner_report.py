"""What an auditor asks of the exceptions of one owner, or of all: what, why, how much, since when, until when, who.

Everything is as the store and its trail say it; whether the trail holds is said beside. Rules that are kept by hand in
a file have no trail, and that is said too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Literal

import msgspec

from addons.bypass.biography import Decision, approval, biographies
from addons.bypass.due import Life, Stage, last_day, life, until_in_words
from addons.bypass.rechecking import Rechecked
from addons.bypass.rule import Action, Rule, kept_rule
from addons.store.auditing import audited
from addons.store.bypass_store import BypassStore
from addons.store.stored import StoredRule
from addons.store.traffic import Passed
from detector.errors import TargetError

Schema = Literal["tlsight.bypass-report/1"]
SCHEMA: Schema = "tlsight.bypass-report/1"
# Of one rule: its busiest hosts, and its latest decisions.
MOST_HOSTS, MOST_DECISIONS = 5, 20


class HostUse(msgspec.Struct, frozen=True):
    host: str
    connections: int
    size: int


class Traffic(msgspec.Struct, frozen=True):
    """What passed by a rule, as far as days are kept, our own re-checks left out.

    Attributes:
        connections, size: in the time of the report; size in bytes, both ways.
        in_all: connections in all days that are kept.
        first, last: days.
        hosts: the busiest.

    """

    connections: int = 0
    size: int = 0
    in_all: int = 0
    first: date | None = None
    last: date | None = None
    hosts: tuple[HostUse, ...] = ()


class Told(msgspec.Struct, frozen=True):
    """One rule.

    Attributes:
        by_hand: it stands in a file, so the trail says nothing of it.
        end: its stage and end in words.
        approved: the last decision that put it in force as it is.
        decisions: all about it, the latest of them.
        left_out: earlier ones that are not among them.

    """

    pattern: str
    action: Action
    owner: str
    reason: str
    ticket: str
    evidence: str
    created: date | None
    stage: Stage
    end: str
    ends: datetime | None
    idle: str | None
    by_hand: bool
    traffic: Traffic
    approved: Decision | None
    decisions: tuple[Decision, ...]
    left_out: int
    recheck: Rechecked | None


class Gone(msgspec.Struct, frozen=True):
    """A rule that ended, or was taken away, in the time of the report.

    Attributes:
        how: "ended", or the action that took it away.
        at: when, ISO 8601.

    """

    pattern: str
    owner: str
    reason: str
    how: str
    at: str
    by: str | None = None
    number: int | None = None


class Trail(msgspec.Struct, frozen=True):
    """What vouches for it.

    Attributes:
        head: digest of the last entry: who notes it can ask for it later.
        holds: nothing was changed, cut off or added.

    """

    entries: int
    head: str
    holds: bool
    faults: tuple[str, ...]
    notes: tuple[str, ...]


class OwnerReport(msgspec.Struct, frozen=True):
    """The whole, and the JSON contract of `bypass report`; fields may be added.

    Attributes:
        schema: fixed.
        owner: None for all owners; "" for rules that nobody owns.
        since: where the time of the report begins.
        rules: by owner, then by pattern; those without an owner first.
        stages: how many rules are in each stage.

    """

    schema: Schema
    at: datetime
    since: date
    owner: str | None
    store: str
    rules: tuple[Told, ...]
    ended: tuple[Gone, ...]
    stages: dict[Stage, int]
    trail: Trail


def owner_report(
    store: BypassStore,
    kept: Sequence[StoredRule],
    now: datetime,
    since: date,
    owner: str | None = None,
) -> OwnerReport:
    """Of one owner, "" for rules that nobody owns, or of all (None). Raises StoreError.

    Args:
        store: opened in any way.
        kept: its rules, drafts too; those of a file have the id 0.
        now: in UTC.
        since: what passed and ended before is left out.
        owner: compared without regard to case.

    """
    entries = list(store.audit()) if store.trail.is_there() else []
    told = biographies(entries)
    rechecks = store.rechecks.all()
    passed = _passed(store.traffic.passed(), since, rechecks)
    rules = [
        _told(one, life(one, now), told, passed, rechecks)
        for one in kept
        if _is_of(one.rule.owner, owner)
    ]
    there = {one.rule.pattern: one.rule for one in kept}
    found = audited(store, now)
    trail = Trail(found.entries, found.head, not found.faults, found.faults, found.notes)
    return OwnerReport(
        SCHEMA, now, since, owner, str(store.path),
        tuple(sorted(rules, key=lambda one: (one.owner.casefold(), one.pattern))),
        tuple(sorted(_gone(there, kept, told, now, since, owner), key=lambda one: one.at)),
        dict(Counter(one.stage for one in rules)),
        trail,
    )  # fmt: skip


def _told(
    one: StoredRule,
    lived: Life,
    told: Mapping[str, Sequence[Decision]],
    passed: Mapping[str, Traffic],
    rechecks: Mapping[str, Rechecked],
) -> Told:
    rule, by_hand = one.rule, one.id == 0
    decisions = [] if by_hand else list(told.get(rule.pattern, ()))
    return Told(
        rule.pattern, rule.action, rule.owner, rule.reason, rule.ticket, rule.evidence, rule.created,
        lived.stage, until_in_words(one, lived), lived.ends, lived.idle, by_hand,
        passed.get(rule.pattern, Traffic()), approval(decisions), tuple(decisions[-MOST_DECISIONS:]),
        max(len(decisions) - MOST_DECISIONS, 0), None if by_hand else rechecks.get(rule.pattern),
    )  # fmt: skip


def _passed(
    rows: Iterable[Passed], since: date, rechecks: Mapping[str, Rechecked]
) -> dict[str, Traffic]:
    """By pattern."""
    found: dict[str, Traffic] = {}
    hosts: dict[str, Counter[str]] = {}
    sizes: dict[tuple[str, str], int] = {}
    for one in rows:
        before = found.get(one.rule, Traffic())
        lately = one.day >= since
        found[one.rule] = Traffic(
            before.connections + (one.connections if lately else 0),
            before.size + (one.size if lately else 0),
            before.in_all + one.connections,
            min(before.first or one.day, one.day),
            max(before.last or one.day, one.day),
        )
        if lately and one.host:
            hosts.setdefault(one.rule, Counter())[one.host] += one.connections
            key = one.rule, one.host
            sizes[key] = sizes.get(key, 0) + one.size
    for pattern, traffic in found.items():
        made = rechecks[pattern].probes if pattern in rechecks else ()
        ours = sum(at.date() >= since for at in made)
        busiest = hosts.get(pattern, Counter()).most_common(MOST_HOSTS)
        found[pattern] = msgspec.structs.replace(
            traffic,
            connections=max(traffic.connections - ours, 0),
            in_all=max(traffic.in_all - len(made), 0),
            hosts=tuple(HostUse(host, n, sizes[pattern, host]) for host, n in busiest),
        )
    return found


def _gone(
    there: Mapping[str, Rule],
    kept: Iterable[StoredRule],
    told: Mapping[str, Sequence[Decision]],
    now: datetime,
    since: date,
    owner: str | None,
) -> Iterable[Gone]:
    """Rules that came to their end since, and those that somebody took away."""
    for one in kept:
        rule, lived = one.rule, life(one, now)
        last = last_day(rule)
        if (
            lived.stage == "ended"
            and last is not None
            and last >= since
            and _is_of(rule.owner, owner)
        ):
            at = lived.ends.isoformat() if lived.ends is not None else last.isoformat()
            decided = [d for d in told.get(rule.pattern, ()) if d.action == "expire"]
            by = decided[-1] if decided else None
            how = "ended by hand" if by is not None else "ended"
            yield Gone(rule.pattern, rule.owner, rule.reason, how, at,
                       by.by if by is not None else None, by.number if by is not None else None)  # fmt: skip
    for pattern, decisions in told.items():
        last_one = decisions[-1]
        if pattern in there or last_one.state != "gone" or last_one.at[:10] < since.isoformat():
            continue
        was = _last_rule(decisions)
        if _is_of(was.owner if was is not None else "", owner):
            yield Gone(
                pattern, was.owner if was is not None else "", was.reason if was is not None else "",
                last_one.action, last_one.at, last_one.by, last_one.number,
            )  # fmt: skip


def _last_rule(decisions: Sequence[Decision]) -> Rule | None:
    for one in reversed(decisions):
        if one.after is not None:
            try:
                return kept_rule(one.after)
            except (ValueError, TargetError):
                return None
    return None


def _is_of(whose: str, owner: str | None) -> bool:
    return owner is None or whose.strip().casefold() == owner.strip().casefold()
