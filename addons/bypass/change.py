"""What a decision changes: of each rule that it is about, what was there and what will be.

Theory of operation
-------------------
The trail keeps both sides of every change, so it can be played back (ledger.py), and each decision can be taken
back: what an entry changed is the difference between the rules before it and behind it, whatever kind of entry it
is. A decision over many rules is several entries, its parts; it is undone whole.

A change is made only where the rule still is what its author saw. So is an undoing, and not where somebody has
decided on the same rule since, even if that came to the same: who removed a rule again meant it. A decision that was
taken back itself stands in nobody's way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import batched
from typing import Any

import msgspec

from addons.bypass.audit import AuditEntry
from addons.bypass.ledger import Placed, difference, replayed
from addons.bypass.place import apart
from addons.bypass.rule import RuleRow, kept_rule
from detector.errors import ConfigError, TargetError
from detector.model.targets import normal_host

# Rules in one entry of the trail: a long list is many entries.
PART = 1000
# Entries of before there were sides that are about rules.
_OF_RULES = frozenset(("add", "approve", "import", "remove", "expire", "reject", "trial"))


class StaleError(ConfigError):
    """A rule is no longer what was seen when this was decided."""

    def __init__(self, pattern: str, why: str, *, remedy: str = "") -> None:
        super().__init__(pattern, why, remedy=remedy)
        self.why = why


class Change(msgspec.Struct, frozen=True):
    """Of one rule.

    Attributes:
        before: None where there is none yet.
        after: None where there will be none.

    """

    pattern: str
    before: Placed | None
    after: Placed | None


class Undoing(msgspec.Struct, frozen=True):
    """What takes a decision back.

    Attributes:
        first: number of the decision's first entry.
        action: what it was.
        changes: none where it changed no rule.
        candidates: states to go back to, by host.

    """

    first: int
    action: str
    changes: tuple[Change, ...]
    candidates: Mapping[str, str] = {}


def parts_of_change(
    changes: Sequence[Change], about: Mapping[str, object], candidates: Mapping[str, str]
) -> Iterator[dict[str, object]]:
    """The details of the entries that say it."""
    listed = list(batched(changes, PART)) or [()]
    for number, part in enumerate(listed, 1):
        found: dict[str, object] = dict(about)
        if len(listed) > 1:
            found |= {"part": number, "parts": len(listed)}
        if number == 1 and candidates:
            found["candidates"] = candidates
        gone = [placed_as_kept(one.before) for one in part if one.before is not None]
        there = [placed_as_kept(one.after) for one in part if one.after is not None]
        yield {**found, "gone": gone, "set": there}


def placed_as_kept(one: Placed) -> dict[str, object]:
    """A rule and its life as the trail keeps it."""
    found: dict[str, object] = {"row": lean(one.row) if one.row is not None else None}
    if one.state != "approved":
        found["state"] = one.state
    if one.until is not None:
        found["until"] = one.until
    return found


def lean(row: RuleRow) -> dict[str, object]:
    """A row as the trail keeps it: without what has its default."""
    fields = msgspec.structs.asdict(row)
    return {
        name: value
        for name, value in fields.items()
        if value not in (None, "") and (name, value) != ("action", "pass")
    }


def between(before: Mapping[str, Placed], after: Mapping[str, Placed]) -> Iterator[Change]:
    """From one state of the rules to another."""
    for pattern, was in before.items():
        there = after.get(pattern)
        if there != was:
            yield Change(pattern, was, there)
    for pattern, there in after.items():
        if pattern not in before:
            yield Change(pattern, None, there)


def undoing(entries: Sequence[AuditEntry], number: int) -> Undoing:
    """What takes back the decision that entry `number` is, or belongs to.

    Raises ConfigError for one that cannot be undone, StaleError where a later one is in the way, BadEntryError.
    """
    if not 1 <= number <= len(entries):
        raise ConfigError(str(number), "no such entry", remedy="tlsight bypass audit lists them")
    first, last = decision_of(entries, number)
    before = replayed(entries[: first - 1])
    after = replayed(entries[first - 1 : last], before)
    changes = tuple(
        Change(one.pattern, one.after, one.before) for one in between(before.rules, after.rules)
    )
    if any(one.after is not None and one.after.row is None for one in changes):
        why = "entries of that time do not say what the rules were"
        raise ConfigError(f"entry {first}", why, remedy="add the rules by hand")
    _expect_nothing_since(entries, first, last, {one.pattern for one in changes})
    states = {
        host: before.candidates.get(host, "pending")
        for host, state in after.candidates.items()
        if before.candidates.get(host) not in (None, state)
    }
    return Undoing(first, entries[first - 1].action, changes, states)


def _expect_nothing_since(
    entries: Sequence[AuditEntry], first: int, last: int, patterns: set[str]
) -> None:
    """Raises StaleError for the latest decision about one of these that still stands."""
    undone = _undone(entries)
    if first in undone:
        why = f"entry {undone[first]} has taken it back already"
        raise StaleError(f"entry {first}", why, remedy="undo that one to have it again")
    for entry in reversed(entries[last:]):
        if entry.action in ("accept", "adopt"):
            why = f"entry {entry.number} took the rules as they were then"
            raise StaleError(f"entry {first}", why, remedy="change the rules by hand")
        of = _details(entry).get("of") if entry.action == "undo" else None
        if entry.number in undone or (isinstance(of, int) and of > last):
            continue
        touched = patterns & _touched(entry)
        if touched:
            why = f"somebody has decided on it since: entry {entry.number}, {entry.action} by {entry.by}"
            raise StaleError(min(touched), why, remedy=f"undo entry {entry.number} first")


def _undone(entries: Sequence[AuditEntry]) -> dict[int, int]:
    """Decisions that are taken back, each with the entry that did it; by the numbers of their first entries."""
    found: dict[int, int] = {}
    for entry in entries:
        of = _details(entry).get("of") if entry.action == "undo" else None
        if isinstance(of, int):
            found[of] = entry.number
            # To undo an undoing is to do it again.
            found = {first: by for first, by in found.items() if by != of}
    return found


def _touched(entry: AuditEntry) -> set[str]:
    """The patterns that an entry may have changed."""
    if "set" not in _details(entry) and entry.action not in _OF_RULES:
        return set()
    return _named(entry, bare=False) | {entry.subject}


def decision_of(entries: Sequence[AuditEntry], number: int) -> tuple[int, int]:
    """The numbers of the first and the last entry of the decision that one belongs to."""
    details = _details(entries[number - 1])
    if isinstance(details.get("parts"), int) and isinstance(details.get("part"), int):
        first = number - details["part"] + 1
        return max(first, 1), min(first + details["parts"] - 1, len(entries))
    size = details.get("count")
    if entries[number - 1].action != "import" or not isinstance(size, int) or size <= PART:
        return number, number
    # Imports of old are as many entries as it takes, which do not count themselves.
    length = -(-size // PART)
    start = number
    while start > 1 and _same_import(entries[start - 2], entries[number - 1]):
        start -= 1
    first = start + (number - start) // length * length
    return first, min(first + length - 1, len(entries))


def expect(change: Change, there: Placed | None) -> None:
    """Raises StaleError where the rule is not what the change was made for."""
    if there == change.before:
        return
    if change.before is None:
        raise StaleError(change.pattern, "is there already", remedy="remove it first, or change it")
    if there is None:
        raise StaleError(change.pattern, "is no longer there", remedy="look at the list again")
    why = difference(change.before, there) or "was changed"
    remedy = "look at it again: tlsight bypass history shows who decided"
    raise StaleError(change.pattern, f"is no longer what was shown: {why}", remedy=remedy)


def about(entries: Iterable[AuditEntry], subject: str) -> Iterator[AuditEntry]:
    """The entries that are about a host or a pattern, or change a rule for it."""
    name = _normal(apart(subject)[0].lstrip("*.").strip("/"))
    if "." in subject and subject[:1] not in "*./":
        subject = _normal(subject)
    wanted = {subject, name, f".{name}", f"*.{name}"} if subject == name else {subject}
    for entry in entries:
        if entry.subject in wanted or (_in_json(name) in entry.details and wanted & _named(entry)):
            yield entry


def _named(entry: AuditEntry, *, bare: bool = True) -> set[str]:
    """The patterns of the rules in an entry's details; `bare`: also as they are without their conditions."""
    details = _details(entry)
    placed = [*details.get("set", ()), *details.get("gone", ()), *details.get("rows", ()), details]
    found: set[str] = set()
    for one in placed:
        row = one.get("row", one) if isinstance(one, dict) else None
        try:
            rule = kept_rule(msgspec.convert(row, RuleRow))
        except (msgspec.ValidationError, ValueError, TargetError):
            continue
        found.add(rule.pattern)
        if bare:
            alone = msgspec.structs.replace(rule, port=None, client=None, ja4=None)
            found.add(alone.pattern)
    return found


def _normal(text: str) -> str:
    """A name as rules write it; anything else as it is."""
    try:
        return normal_host(text)
    except TargetError:
        return text


def _in_json(text: str) -> str:
    return msgspec.json.encode(text).decode()[1:-1]


def makes_draft(entry: AuditEntry, pattern: str) -> bool:
    """Whether the entry made a draft where none was; one whose approval is undone is the one that was written."""
    details = _details(entry)
    made, was = (pattern in _drafts(details.get(side)) for side in ("set", "gone"))
    return made and not was and details.get("action") != "approve-draft"


def _drafts(placed: object) -> Iterator[str]:
    """The patterns of the drafts that an entry lists."""
    for one in placed if isinstance(placed, list) else ():
        if isinstance(one, dict) and one.get("state") == "draft":
            with suppress(msgspec.ValidationError, ValueError, TargetError):
                yield kept_rule(msgspec.convert(one.get("row"), RuleRow)).pattern


def _details(entry: AuditEntry) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(entry.details)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _same_import(one: AuditEntry, other: AuditEntry) -> bool:
    return (
        one.action == "import"
        and one.subject == other.subject
        and _details(one).get("count") == _details(other).get("count")
    )
