"""What was decided about each rule, and by whom, as the trail tells it.

Entries of every age count: those that say what was there and what is there now, and those of old that hold the row
alone or, of removals, no more than the pattern. What the trail took over from before it was signed (`adopt`, `accept`)
is told as such: nobody decided it then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from addons.bypass.audit import Actor, AuditEntry
from addons.bypass.ledger import Placed
from addons.bypass.rule import RuleRow, kept_rule
from detector.errors import TargetError

# Decisions that put a rule in force.
APPROVALS = frozenset(
    ("add", "approve", "approve-draft", "import", "replace", "renew", "undo", "feed", "sync")
)


class Decision(msgspec.Struct, frozen=True):
    """One entry of the trail, as far as it is about one rule.

    Attributes:
        number, digest: of the entry; the digest vouches for all before it, too.
        at: ISO 8601, UTC.
        by: who decided, as the environment said.
        uid: what the kernel said; None where it said nothing.
        account: the account with this uid.
        why: the reason that was given for the decision itself.
        after: the rule behind it; None where there was none any more, or the entry does not say.
        state: of the rule behind it: approved, draft, trial; "gone", or "unsaid".

    """

    number: int
    at: str
    by: str
    action: str
    digest: str
    uid: int | None = None
    account: str | None = None
    why: str = ""
    after: RuleRow | None = None
    state: str = "unsaid"


def biographies(entries: Iterable[AuditEntry]) -> dict[str, list[Decision]]:
    """By pattern, the first decision first. What cannot be read is left out: `audit verify` tells of it."""
    found: dict[str, list[Decision]] = {}
    for entry in entries:
        try:
            details = msgspec.json.decode(entry.details)
            touched = list(_touched(entry, details))
        except (msgspec.MsgspecError, ValueError, TargetError, KeyError, TypeError):
            continue
        for pattern, placed, state in touched:
            found.setdefault(pattern, []).append(_decision(entry, details, placed, state))
    return found


def approval(decisions: Iterable[Decision]) -> Decision | None:
    """The last one that put the rule in force as it is."""
    made = [one for one in decisions if one.action in APPROVALS and one.state == "approved"]
    return made[-1] if made else None


def _touched(entry: AuditEntry, details: Any) -> Iterator[tuple[str, RuleRow | None, str]]:
    """Pattern, row behind the entry, and state, of each rule that an entry is about."""
    if isinstance(details, dict) and "set" in details:
        there = {p: one for one in _placed(details["set"]) if (p := _pattern(one)) is not None}
        gone = {p for one in _placed(details["gone"]) if (p := _pattern(one)) is not None}
        for pattern, one in there.items():
            yield pattern, one.row, one.state
        for pattern in gone - there.keys():
            yield pattern, None, "gone"
        return
    match entry.action:
        case "add" | "approve":
            row = msgspec.convert(details, RuleRow)
            yield kept_rule(row).pattern, row, "approved"
        case "trial":
            row = msgspec.convert(details["row"], RuleRow)
            yield kept_rule(row).pattern, row, "trial"
        case "import" if "rows" in details:
            for row in msgspec.convert(details["rows"], list[RuleRow]):
                yield kept_rule(row).pattern, row, "approved"
        case "import":
            for pattern in msgspec.convert(details["patterns"], list[str]):
                yield pattern, None, "approved"
        case "adopt" | "accept":
            for one in _placed(details["rows"]):
                if one.row is not None:
                    yield kept_rule(one.row).pattern, one.row, one.state
        case "expire" if "row" in details:
            yield entry.subject, msgspec.convert(details["row"], RuleRow), "approved"
        case "expire":
            yield entry.subject, None, "unsaid"
        case "remove":
            yield entry.subject, None, "gone"


def _placed(found: object) -> list[Placed]:
    return msgspec.convert(found, list[Placed])


def _pattern(one: Placed) -> str | None:
    return kept_rule(one.row).pattern if one.row is not None else None


def _decision(entry: AuditEntry, details: Any, row: RuleRow | None, state: str) -> Decision:
    who = _actor(entry)
    why = details.get("why", "") if isinstance(details, dict) else ""
    return Decision(
        entry.number, entry.at, entry.by, entry.action, entry.digest, who.uid, who.user,
        why if isinstance(why, str) else "", row, state,
    )  # fmt: skip


def _actor(entry: AuditEntry) -> Actor:
    try:
        return msgspec.json.decode(entry.who or "{}", type=Actor)
    except msgspec.MsgspecError:
        return Actor()
