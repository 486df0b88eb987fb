"""What the audit trail says must be in force: its entries replayed, and held against what is there.

Theory of operation
-------------------
Every change of the rules is one entry, and an entry carries all that was decided. So the trail is a program
whose result is the table of rules, and a rule that was changed, added or taken away outside of tlsight is a
difference between the two. The same holds for the states of candidates, which decide what a trial may try.

Imports of old said names and no rows: their rules are known by name alone until they end, or until `adopt` or
`accept` says what they are. Trials that are over are nowhere: no rule of theirs applies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from addons.bypass.audit import AuditEntry
from addons.bypass.rule import RuleRow, kept_rule
from detector.errors import TargetError

# Those that say a feed's state.
_OF_FEEDS = frozenset(
    f"feed {verb}" for verb in ("add", "set", "wait", "accept", "confirm", "remove")
)


class Placed(msgspec.Struct, frozen=True):
    """A rule as it is in the table, or as the trail says that it is.

    Attributes:
        row: None where an import of old did not say.
        until: end of a trial, ISO 8601.

    """

    row: RuleRow | None
    state: str = "approved"
    until: str | None = None


class Ledger(msgspec.Struct, frozen=True):
    """The state after all entries.

    Attributes:
        rules: by pattern.
        candidates: state by host.
        unsaid: rules of old imports that named only their first thousand.
        feeds: digest of each feed's state, by name.

    """

    rules: dict[str, Placed]
    candidates: dict[str, str]
    unsaid: int = 0
    feeds: dict[str, str] = {}


class BadEntryError(Exception):
    """An entry that says nothing that a store ever wrote; has its number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"entry {number} cannot be read")
        self.number = number


def replayed(entries: Iterable[AuditEntry], onto: Ledger | None = None) -> Ledger:
    """What the trail leads to, from its beginning or `onto` what the entries before led to. Raises BadEntryError."""
    start = onto or Ledger({}, {})
    rules, candidates, feeds = dict(start.rules), dict(start.candidates), dict(start.feeds)
    unsaid = start.unsaid
    for entry in entries:
        try:
            unsaid = _apply(entry, rules, candidates, unsaid)
            _apply_to_feeds(entry, feeds)
        except (msgspec.MsgspecError, ValueError, TargetError, KeyError, TypeError):
            raise BadEntryError(entry.number) from None
    return Ledger(rules, candidates, unsaid, feeds)


def feeds_by(entries: Iterable[AuditEntry]) -> dict[str, str]:
    """The digest of each feed's state, by name. Raises BadEntryError."""
    feeds: dict[str, str] = {}
    for entry in entries:
        try:
            _apply_to_feeds(entry, feeds)
        except (msgspec.MsgspecError, KeyError, TypeError):
            raise BadEntryError(entry.number) from None
    return feeds


def differences(
    expected: Ledger,
    rules: Mapping[str, Placed | None],
    candidates: Mapping[str, str],
    now: datetime,
) -> Iterator[str]:
    """What is there and should not be, or the other way round, one line each.

    Args:
        expected: from the trail.
        rules: the table by its column `pattern`; None where a row means nothing or another pattern.
        candidates: state by host.
        now: trials that are over by then count on neither side.

    """
    spare = expected.unsaid
    for pattern, there in rules.items():
        meant = expected.rules.get(pattern)
        if there is None:
            yield f"the rule {pattern} was changed: its row says something else"
        elif _over(there, now):
            continue
        elif meant is None or _over(meant, now):
            spare -= 1  # it may be one that an import of old did not name
            if spare < 0:
                yield f"the rule {pattern} is there, and no entry made it"
        elif (said := difference(meant, there)) is not None:
            yield f"the rule {pattern} was changed: {said}"
    for pattern, meant in expected.rules.items():
        if pattern not in rules and not _over(meant, now):
            yield f"the rule {pattern} is gone, and no entry took it away"
    for host in sorted({*candidates, *expected.candidates}):
        here, said = candidates.get(host, "gone"), expected.candidates.get(host, "unknown")
        if here != said:
            yield f"the candidate {host} is {here}, and {said} by the trail"


def feed_differences(expected: Mapping[str, str], there: Mapping[str, str]) -> Iterator[str]:
    """Feeds that are not as they were decided, one line each; digests by name on both sides."""
    for name in sorted({*expected, *there}):
        meant, found = expected.get(name), there.get(name)
        if meant == found:
            continue
        if found is None:
            yield f"the feed {name} is gone, and no entry took it away"
        elif meant is None:
            yield f"the feed {name} is there, and no entry added it"
        else:
            yield f"the feed {name} was changed: its rules, or how it is kept, are not those that were accepted"


def difference(meant: Placed, there: Placed) -> str | None:
    """What of a rule is not as it is meant to be, None where nothing is."""
    if (meant.state, meant.until) != (there.state, there.until):
        here, said = _life(there), _life(meant)
        return f"it is {here}, and {said} by the trail"
    if meant.row is None or there.row is None or meant.row == there.row:
        return None
    before, after = msgspec.structs.asdict(meant.row), msgspec.structs.asdict(there.row)
    names = [name for name in before if before[name] != after[name]]
    return ", ".join(f"{name} {before[name]!s} became {after[name]!s}" for name in names)


def placed_rows(details: Any) -> dict[str, Placed]:
    """The rules of an `adopt` or `accept` entry, by pattern."""
    found: dict[str, Placed] = {}
    for one in msgspec.convert(details["rows"], list[Placed]):
        if one.row is None:
            raise ValueError("no row")
        found[kept_rule(one.row).pattern] = one
    return found


def _apply(
    entry: AuditEntry, rules: dict[str, Placed], candidates: dict[str, str], unsaid: int
) -> int:
    details = msgspec.json.decode(entry.details)
    if isinstance(details, dict) and "set" in details:
        return _change(details, rules, candidates, unsaid)
    match entry.action:
        case "add" | "approve":
            row = msgspec.convert(details, RuleRow)
            rules[kept_rule(row).pattern] = Placed(row)
            if entry.action == "approve":
                candidates[entry.subject] = "approved"
        case "import" if "rows" in details:
            for row in msgspec.convert(details["rows"], list[RuleRow]):
                rules[kept_rule(row).pattern] = Placed(row)
        case "import":
            rules |= dict.fromkeys(details["patterns"], Placed(None))
            unsaid += int(details["count"]) - len(details["patterns"])
        case "remove":
            unsaid -= 0 if rules.pop(entry.subject, None) is not None else min(unsaid, 1)
        case "expire":
            unsaid -= _expire(entry, details, rules, unsaid)
        case "reject":
            candidates[entry.subject] = "rejected"
            for pattern, one in list(rules.items()):
                named = (one.row.host, one.row.cidr) if one.row is not None else ()
                if one.state == "trial" and entry.subject in named:
                    del rules[pattern]
        case "trial":
            row = msgspec.convert(details["row"], RuleRow)
            rules[kept_rule(row).pattern] = Placed(row, "trial", details["until"])
        case "candidate":
            candidates[entry.subject] = "pending"
        case "clear":
            candidates[entry.subject] = "cleared"
        case "snooze":
            candidates[entry.subject] = "snoozed"
        case "adopt" | "accept":
            if details["part"] == 1:
                rules.clear()
                candidates.clear()
                unsaid = 0
            rules |= placed_rows(details)
            candidates |= msgspec.convert(details["candidates"], dict[str, str])
    return unsaid


def _apply_to_feeds(entry: AuditEntry, feeds: dict[str, str]) -> None:
    if entry.action in _OF_FEEDS:
        state = msgspec.json.decode(entry.details)["state"]
        if state is None:
            feeds.pop(entry.subject, None)
        else:
            feeds[entry.subject] = msgspec.convert(state, str)
    elif entry.action in ("adopt", "accept"):
        details = msgspec.json.decode(entry.details)
        if details["part"] == 1:
            feeds.clear()
            feeds |= msgspec.convert(details.get("feeds", {}), dict[str, str])


def _change(details: Any, rules: dict[str, Placed], candidates: dict[str, str], unsaid: int) -> int:
    """An entry that says what was there, and what is there now (change.py)."""
    for one in msgspec.convert(details["gone"], list[Placed]):
        if one.row is not None and rules.pop(kept_rule(one.row).pattern, None) is None:
            unsaid -= min(unsaid, 1)
    for one in msgspec.convert(details["set"], list[Placed]):
        if one.row is None:
            raise ValueError("no row")
        rules[kept_rule(one.row).pattern] = one
    candidates |= msgspec.convert(details.get("candidates", {}), dict[str, str])
    return unsaid


def _expire(entry: AuditEntry, details: Any, rules: dict[str, Placed], unsaid: int) -> int:
    """How many of the unsaid rules are said by now."""
    there = rules.get(entry.subject)
    if "row" in details:
        rules[entry.subject] = Placed(msgspec.convert(details["row"], RuleRow))
    elif there is not None and there.row is not None:
        ended = date.fromisoformat(entry.at[:10]) - timedelta(days=1)
        rules[entry.subject] = Placed(msgspec.structs.replace(there.row, expires=ended))
    else:
        rules[entry.subject] = Placed(None)
    return min(unsaid, 1) if there is None else 0


def _over(one: Placed, now: datetime) -> bool:
    return one.until is not None and datetime.fromisoformat(one.until) <= now


def _life(one: Placed) -> str:
    return one.state if one.until is None else f"on {one.state} until {one.until}"
