"""Of entries that do the same: a name and the star for all below it are together one suffix."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from addons.bypass.rule import Rule, RuleRow, rule_of
from detector.errors import TargetError

if TYPE_CHECKING:
    from addons.formats.settling import Named


class Pairs:
    """Of lines that do the same behind each other: stars beside the name that they stand for."""

    def __init__(self) -> None:
        self.hosts: set[tuple[object, ...]] = set()
        self.suffixes: set[tuple[object, ...]] = set()
        self.stars: dict[tuple[object, ...], tuple[RuleRow, Rule]] = {}

    def as_one(self, one: Named, rule: Rule) -> tuple[Named, Rule]:
        """A name and its star become the suffix that they are together."""
        without, row = one.without and not self.has_itself(rule), one.row
        if rule.host is not None and (above := self.star(rule)):
            row, rule = above
        return replace(one, row=row, without=without), rule

    def has_itself(self, rule: Rule) -> bool:
        """Whether the name of a suffix is let through, too."""
        own = _conditioned(rule, rule.suffix)
        if own in self.hosts or own in self.suffixes:
            return True
        rest = (rule.suffix or "").partition(".")[2]
        while rest:
            if _conditioned(rule, rest) in self.suffixes or _conditioned(rule, rest) in self.stars:
                return True
            rest = rest.partition(".")[2]
        return False

    def star(self, rule: Rule) -> tuple[RuleRow, Rule] | None:
        """The suffix that a name and its star are together."""
        return self.stars.get(_conditioned(rule, rule.host))


def pairs_of(named: Iterable[Named]) -> Pairs:
    """The pairs among entries."""
    found = Pairs()
    for one in named:
        rule = sound(one.row) if not one.why else None
        if rule is None:
            continue
        if rule.host is not None:
            found.hosts.add(_conditioned(rule, rule.host))
        elif rule.suffix is not None and one.without:
            found.stars[_conditioned(rule, rule.suffix)] = (one.row, rule)
        elif rule.suffix is not None:
            found.suffixes.add(_conditioned(rule, rule.suffix))
    return found


def _conditioned(rule: Rule, name: str | None) -> tuple[object, ...]:
    return name, rule.port, rule.client, rule.ja4


def sound(row: RuleRow) -> Rule | None:
    """The rule of a row, None where it is none."""
    try:
        return rule_of(row)
    except (ValueError, TargetError):
        return None
