"""Which of many rules meet one: as `reach.meets` says it of two, in time by the labels of a name."""

from __future__ import annotations

from collections.abc import Iterator

from addons.bypass.rule import Rule


class Exceptions:
    """Rules that do not pass, found by the rules that they are exceptions from."""

    def __init__(self) -> None:
        self._all: list[Rule] = []
        self._hosts: dict[str, list[Rule]] = {}
        self._wildcards: dict[str, list[Rule]] = {}
        self._suffixes: dict[str, list[Rule]] = {}
        # By what is one label above, and by the name itself and all that is above it.
        self._children: dict[str, list[Rule]] = {}
        self._below: dict[str, list[Rule]] = {}
        self._loose: list[Rule] = []

    def __bool__(self) -> bool:
        return bool(self._all)

    def add(self, rule: Rule) -> None:
        """One more; a range meets no name."""
        if rule.network is not None:
            return
        self._all.append(rule)
        name = rule.host or rule.wildcard or rule.suffix
        if name is None:
            self._loose.append(rule)
            return
        table = (
            self._hosts if rule.host is not None
            else self._wildcards if rule.wildcard is not None
            else self._suffixes
        )  # fmt: skip
        table.setdefault(name, []).append(rule)
        if rule.wildcard is None:
            self._children.setdefault(name.partition(".")[2], []).append(rule)
        for above in _up(name):
            self._below.setdefault(above, []).append(rule)

    def meeting(self, rule: Rule) -> list[Rule]:
        """Those that have a name in common with a rule, in their order."""
        if rule.network is not None:
            return []
        name = rule.host or rule.wildcard or rule.suffix
        if name is None:
            return list(self._all)
        found: list[Rule] = [*self._loose]
        for above in _up(name):
            found += self._suffixes.get(above, ())
        if rule.host is not None:
            found += self._hosts.get(name, ())
            found += self._wildcards.get(name.partition(".")[2], ())
        elif rule.wildcard is not None:
            found += self._wildcards.get(name, ())
            found += self._children.get(name, ())
        else:
            found += self._below.get(name, ())
            found += self._wildcards.get(name.partition(".")[2], ())
        return list({id(one): one for one in found}.values())


def _up(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.partition(".")[2]
