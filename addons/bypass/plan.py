"""What an import would do, before it does it.

Rules
-----
1. A rule that is there already, with the same pattern, is changed only in what the list itself says; what the
   command fills in (owner, reason, end) is for rules that say none and are not there yet, or said otherwise.
2. A list as a set (`replace`) takes away what it does not have, but for drafts, which are not decided.
3. A trial gives way to the list; a draft is never decided by it.
4. What must not happen by accident (refusals.py) is refused, and with it the whole, unless it is forced.
5. What would stop being inspected is asked of the traffic seen, by the matcher that decides (foreseeing.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime

import msgspec

from addons.bypass.change import Change
from addons.bypass.foreseeing import blind, decided_otherwise
from addons.bypass.ledger import Placed
from addons.bypass.matcher import Matcher
from addons.bypass.overlaps import overlaps
from addons.bypass.reach import end_moment
from addons.bypass.refusals import refusals
from addons.bypass.remark import Remark
from addons.bypass.rule import Rule, RuleRow, kept_rule, rule_of, settled
from addons.bypass.safety import Guarded
from detector.errors import ConfigError, TargetError


class Plan(msgspec.Struct, frozen=True):
    """What would be done.

    Attributes:
        changes: all of it.
        added: rules that are not there.
        changed: rules that are there otherwise, each as it was and as it would be.
        removed: rules that would go.
        same: how many are there as they are in the list.
        drafts: patterns that wait for a person, and are left alone.
        refused: what must not pass by accident.
        overlapping: rules that change nothing, say what another says, or the contrary.
        stops: names of the traffic that would not be inspected any more.
        begins: names of the traffic that would be inspected again.
        blind: rules of ranges, whose traffic has no names.

    """

    changes: tuple[Change, ...]
    added: tuple[Rule, ...]
    changed: tuple[tuple[Rule, Rule], ...]
    removed: tuple[Rule, ...]
    same: int
    drafts: tuple[str, ...]
    refused: tuple[Remark, ...]
    overlapping: tuple[Remark, ...]
    stops: tuple[str, ...]
    begins: tuple[str, ...]
    blind: tuple[Rule, ...]


def planned(
    rows: Iterable[RuleRow],
    there: Mapping[str, Placed],
    seen: Sequence[str],
    now: datetime,
    guarded: Guarded,
    filled: Mapping[str, object],
    *,
    beside: Sequence[Rule] = (),
    beneath: Sequence[Rule] = (),
    replace: bool = False,
) -> Plan:
    """The plan. Raises ConfigError for a row that means nothing, and for two that say the same otherwise.

    Args:
        rows: of the list.
        there: the rules of the store, by pattern.
        seen: names of the traffic, the busiest first.
        now: a moment in UTC.
        guarded: names to be careful with.
        filled: by field of RuleRow: what rules get that are not there yet and say nothing themselves.
        beside: rules of a file, which are in force too.
        beneath: rules of feeds, which are where no other is.
        replace: the list is all that is to be there.

    """
    made = _Made()
    wanted, twice = _wanted(rows)
    changes: list[Change] = []
    drafts: list[str] = []
    same = 0
    for pattern, row in wanted.items():
        before = there.get(pattern)
        if before is not None and before.state == "draft":
            drafts.append(pattern)
            continue
        decided = made.rule(before) if before is not None and before.state == "approved" else None
        if before is not None and decided is not None and decided.action == row.action:
            after = Placed(_merged(before, row))
        else:
            after = Placed(_filled(row, filled))
        if decided == made.rule(after):
            same += 1
        else:
            changes.append(Change(pattern, before, after))
    if replace:
        absent = (p for p, one in there.items() if p not in wanted and one.state != "draft")
        changes += [Change(pattern, there[pattern], None) for pattern in absent]
    before_all = [*beside, *made.rules(there.values())]
    after_all = {**there, **{one.pattern: one.after for one in changes}}
    left = [*beside, *made.rules(one for one in after_all.values() if one is not None)]
    fresh = {one.pattern for one in changes if one.after is not None}
    added = [c.after for c in changes if c.before is None and c.after is not None]
    gone = [c.before for c in changes if c.before is not None and c.after is None]
    both = [(c.before, c.after) for c in changes if c.before is not None and c.after is not None]
    old, new = Matcher(before_all, beneath), Matcher(left, beneath)
    pairs = [(_rule(made, one.before), _rule(made, one.after)) for one in changes]
    differing = [rule for pair in pairs for rule in pair if rule is not None]
    stops, begins = decided_otherwise(old, new, differing, seen, now)
    alone = Matcher(left) if beneath else new
    return Plan(
        tuple(changes),
        tuple(made.rules(added)),
        tuple((made.rule(before), made.rule(after)) for before, after in both),
        tuple(made.rules(gone)),
        same,
        tuple(drafts),
        tuple(refusals(pairs, guarded, now)),
        (*twice, *(one for one in overlaps(left, alone, now) if _about(one) & fresh)),
        stops,
        begins,
        tuple(blind(after for _, after in pairs if after is not None)),
    )


def _wanted(rows: Iterable[RuleRow]) -> tuple[dict[str, RuleRow], list[Remark]]:
    """The rows by pattern, each once; what was said of those that the list has more than once, and otherwise."""
    found: dict[str, RuleRow] = {}
    twice: list[Remark] = []
    for given in rows:
        try:
            row = settled(given)
            rule = rule_of(row)
        except (ValueError, TargetError) as error:
            raise ConfigError("rule", str(error)) from None
        first = found.setdefault(rule.pattern, row)
        if first.action != row.action:
            why = f"the list says {first.action} and {row.action}"
            raise ConfigError(rule.pattern, why, remedy="take one of them out of the list")
        if first != row:
            ends = [one.expires for one in (first, row) if one.expires is not None]
            end = min(ends, key=_moment) if ends else None
            found[rule.pattern] = msgspec.structs.replace(first, expires=end)
            text = "The list has it twice, and not alike: the first counts, and the earlier end."
            twice.append(Remark(rule, "listed-twice", "warning", text))
    return found, twice


def _moment(end: date) -> datetime:
    found = end_moment(Rule(expires=end))
    return found or datetime.max.replace(tzinfo=UTC)


def _filled(row: RuleRow, fields: Mapping[str, object]) -> RuleRow:
    given = {name: value for name, value in fields.items() if not getattr(row, name)}
    return msgspec.structs.replace(row, **given)


def _merged(before: Placed, row: RuleRow) -> RuleRow:
    """What is there, with all that the list says."""
    assert before.row is not None
    said = {
        name: value
        for name, value in msgspec.structs.asdict(row).items()
        if value not in (None, "") or name == "action"
    }
    return msgspec.structs.replace(before.row, **said)


def _rule(made: _Made, one: Placed | None) -> Rule | None:
    return made.rule(one) if one is not None else None


def _about(remark: Remark) -> set[str]:
    return {remark.rule.pattern} | ({remark.other.pattern} if remark.other is not None else set())


class _Made:
    """Rules of rows, each made once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Placed, Rule]] = {}

    def rule(self, one: Placed) -> Rule:
        found = self._known.get(id(one))
        if found is None:
            assert one.row is not None
            found = self._known[id(one)] = one, kept_rule(one.row)
        return found[1]

    def rules(self, placed: Iterable[Placed]) -> Iterator[Rule]:
        """Of all but drafts."""
        return (self.rule(one) for one in placed if one.state != "draft")
