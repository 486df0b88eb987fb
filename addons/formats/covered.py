"""Whether one of many rules covers another: as `reach.covers` says it of two, in time by the labels of a name.

Of regexes, and of ranges beyond the first SEVERAL, only the very same rule counts.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from addons.bypass.reach import covers
from addons.bypass.rule import Rule

SEVERAL = 64


class Covered:
    """What all of some rules are for, whatever they do."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._same: set[Rule] = set()
        self._names: dict[str, list[Rule]] = {}
        self._others: list[Rule] = []
        for rule in rules:
            self._same.add(_bare(rule))
            name = rule.host or rule.wildcard or rule.suffix
            if name is not None:
                self._names.setdefault(name, []).append(rule)
            elif rule.regex is None and len(self._others) < SEVERAL:
                self._others.append(rule)

    def __bool__(self) -> bool:
        return bool(self._same)

    def covers(self, rule: Rule) -> bool:
        """Whether one of them covers it."""
        if _bare(rule) in self._same or any(covers(one, rule) for one in self._others):
            return True
        rest = rule.host or rule.wildcard or rule.suffix or ""
        while rest:
            if any(covers(one, rule) for one in self._names.get(rest, ())[:SEVERAL]):
                return True
            rest = rest.partition(".")[2]
        return False


def _bare(rule: Rule) -> Rule:
    return replace(rule, action="pass", reason="", owner="", ticket="", evidence="", created=None)
