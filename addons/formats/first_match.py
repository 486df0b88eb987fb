"""Lists that are asked in their order, the first entry that holds deciding: the rules that decide the same.

Rules of ours are not asked in an order of theirs, but the most specific first (addons/bypass/reach.py). So:

1. An entry that an earlier one covers is never asked there; it is told, and no rule.
2. Where a later entry would come first with us and an earlier one covers only a part of it, what both have in common
   becomes a rule of its own, with the earlier one's action: `*.x` and `.a.x` have the name a.x in common.
3. What both have in common cannot be said of a regex: then the one that passes is told, and no rule.
4. An entry that inspects and cannot be read keeps back every later one that passes: each may be its exception.
5. All below a name is the suffix, and the name itself as the rest of the list decides it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from addons.bypass.reach import covers, holds, meets, overlap, rank
from addons.bypass.rule import Action, Rule, RuleRow, rule_of
from addons.formats.exported import Entry
from addons.formats.gathered import MAX_TEXT, Found, Gathered, Pattern
from addons.formats.spelling import EVERYTHING
from detector.errors import ConfigError, TargetError

MAX_PAIRS = 3_000_000
MAX_MADE = 20_000


class Decision(NamedTuple):
    """An entry: what to do with what.

    Attributes:
        found: its patterns, or why there are none.
        harmless: it cannot be read, and keeps nothing back.

    """

    line: int
    text: str
    found: Found
    action: Action
    client: str | None = None
    file: str = ""
    harmless: bool = False
    about: dict[str, Any] = {}  # noqa: RUF012 (never written)


class _Placed:
    """A rule at its place in the list."""

    __slots__ = ("made", "of", "order", "row", "rule", "why")

    def __init__(self, order: int, rule: Rule, row: RuleRow, of: Decision, *, made: bool) -> None:
        self.order, self.rule, self.row, self.of, self.made = order, rule, row, of, made
        self.why = ""


def gather(decisions: Iterable[Decision], gathered: Gathered, source: str) -> None:
    """Put the rules that decide as the list does among the gathered, and tell what is none. Raises ConfigError."""
    placed = _without_holes(list(_placed(decisions, gathered)), source)
    _settle(placed, source)
    for one in sorted(placed, key=lambda one: one.order):
        if one.why:
            if not one.made:
                gathered.unread(one.of.line, one.of.text, one.why, one.of.file)
        elif not (_is_everything(one.rule) and one.rule.action == "inspect"):
            gathered.take(Entry(one.row, one.of.line, one.of.text[:MAX_TEXT], one.of.file))


def _placed(decisions: Iterable[Decision], gathered: Gathered) -> Iterator[tuple[_Placed, str]]:
    """Each with the name that it has all below of, or ""."""
    unread = ""
    order = 0
    for one in decisions:
        found = one.found
        if not isinstance(found, str) and unread and one.action == "pass":
            found = f"an entry before it that inspects could not be read: {unread[:60]!r}"
        if isinstance(found, str):
            gathered.unread(one.line, one.text, found, one.file)
            if one.action != "pass" and not one.harmless:
                unread = one.text
            continue
        for pattern in found:
            order += 1_000_000
            made = _one(one, pattern)
            if isinstance(made, str):
                gathered.unread(one.line, one.text, made, one.file)
                if one.action != "pass":
                    unread = one.text
                continue
            rule, row = made
            name = rule.suffix or "" if pattern.kind == "below" else ""
            yield _Placed(order, rule, row, one, made=False), name


def _one(one: Decision, pattern: Pattern) -> tuple[Rule, RuleRow] | str:
    about = dict(one.about)
    if one.client is not None:
        about["client"] = one.client
    try:
        if pattern.kind == "any" and pattern.port is None and one.client is None:
            if one.action != "inspect":
                return EVERYTHING
            # It only ends the list: what holds is that the rest is never asked.
            return Rule(action="inspect"), RuleRow(action="inspect")
        row = pattern.row(action=one.action, **about)
        return rule_of(row), row
    except (ValueError, TargetError, msgspec.ValidationError) as error:
        return str(error)


def _without_holes(placed: list[tuple[_Placed, str]], source: str) -> list[_Placed]:
    found: list[_Placed] = []
    steps = 0
    for place, (one, name) in enumerate(placed):
        if name:
            action: Action = "inspect"
            for later, below in placed[place + 1 :]:
                steps += 1
                if later.rule.network is None and holds(later.rule, name) and below != name:
                    action = later.rule.action
                    break
            if steps > MAX_PAIRS:
                raise ConfigError(source, "too many stars in an ordered list")
            if action != one.rule.action:
                found.append(
                    _made(one, replace(one.row, suffix=None, host=name, action=action), -1)
                )
        found.append(one)
    return found


def _made(beside: _Placed, row: RuleRow, by: int) -> _Placed:
    return _Placed(beside.order + by, rule_of(row), row, beside.of, made=True)


class _Index:
    """Rules by their names, to find those that may have a name in common with one."""

    def __init__(self) -> None:
        self._at: dict[str, list[_Placed]] = {}
        self._below: dict[str, list[_Placed]] = {}
        self._nameless: list[_Placed] = []
        self._all: list[_Placed] = []

    def add(self, one: _Placed) -> None:
        self._all.append(one)
        name = _name(one.rule)
        if not name:
            self._nameless.append(one)
            return
        self._at.setdefault(name, []).append(one)
        for above in _above(name):
            self._below.setdefault(above, []).append(one)

    def near(self, one: _Placed) -> Iterator[_Placed]:
        name = _name(one.rule)
        if not name:
            yield from self._all
            return
        yield from self._nameless
        yield from self._at.get(name, ())
        yield from self._below.get(name, ())
        for above in _above(name):
            yield from self._at.get(above, ())


def _settle(placed: list[_Placed], source: str) -> None:
    index = _Index()
    waiting = sorted(placed, key=lambda one: one.order, reverse=True)
    pairs = made = 0
    while waiting:
        one = waiting.pop()
        for other in list(index.near(one)):
            pairs += 1
            if pairs > MAX_PAIRS:
                raise ConfigError(source, "too many exceptions that meet each other")
            if one.why:
                break
            if other.why or other.rule.action == one.rule.action:
                continue
            early, late = (one, other) if one.order < other.order else (other, one)
            common = _conflict(early, late)
            if common is not None:
                made += 1
                if made > MAX_MADE:
                    raise ConfigError(source, "too many exceptions that meet each other")
                placed.append(common)
                waiting.append(common)
        index.add(one)


def _conflict(early: _Placed, late: _Placed) -> _Placed | None:
    """Make both decide in their order; gives a rule for what they have in common, where one is needed."""
    if early.rule.network is not None and late.rule.network is None:
        # Names are asked before addresses here.
        if early.rule.action != "pass" and late.rule.action == "pass":
            late.why = f"{early.rule.pattern} before it inspects addresses, whatever their name"
        return None
    if not overlap(early.rule, late.rule) or not _meet(early.rule, late.rule):
        return None
    if rank(early.rule) <= rank(late.rule):
        return None
    if _covers(early.rule, late.rule):
        late.why = f"never asked: {early.rule.pattern} decides before it"
        return None
    row = _common(early, late)
    if row is None:
        loser = early if early.rule.action == "pass" else late
        other = late if loser is early else early
        loser.why = f"what it has in common with {other.rule.pattern} cannot be said"
        return None
    return _made(early, row, 1)


def _meet(one: Rule, other: Rule) -> bool:
    if one.network is not None and other.network is not None:
        same = one.network.version == other.network.version
        return same and one.network.overlaps(other.network)
    if one.regex is not None and other.host is not None:
        return holds(one, other.host)
    if other.regex is not None and one.host is not None:
        return holds(other, one.host)
    return meets(one, other)


def _covers(wide: Rule, narrow: Rule) -> bool:
    if wide.regex is None or narrow.host is None:
        return covers(wide, narrow)
    # The conditions apart: a regex covers nothing for sure but a name that it holds.
    return holds(wide, narrow.host) and covers(
        msgspec.structs.replace(wide, regex=None, host=narrow.host), narrow
    )


def _common(early: _Placed, late: _Placed) -> RuleRow | None:
    """A rule for what both have in common, None where it cannot be said."""
    one, other = early.rule, late.rule
    if one.regex is not None or other.regex is not None or one.ja4 or other.ja4:
        return None
    names = [(rule.host, rule.suffix, rule.wildcard) for rule in (one, other)]
    bare = [Rule(host=host, suffix=suffix, wildcard=wildcard) for host, suffix, wildcard in names]
    named = [any(each) for each in names]
    if one.network is not None or other.network is not None:
        return None
    if not all(named):
        chosen = names[0] if named[0] else names[1]
    elif covers(bare[0], bare[1]):
        chosen = names[1]
    elif covers(bare[1], bare[0]):
        chosen = names[0]
    else:  # a wildcard, and the suffix of one of its names
        suffix = one.suffix or other.suffix
        if suffix is None:
            return None
        chosen = (suffix, None, None)
    clients = [rule.client for rule in (one, other) if rule.client is not None]
    client = max(clients, key=lambda each: each.prefixlen, default=None)
    return replace(
        early.row,
        host=chosen[0], suffix=chosen[1], wildcard=chosen[2], regex=None, cidr=None,
        port=one.port if one.port is not None else other.port,
        client=None if client is None else str(client),
    )  # fmt: skip


def _is_everything(rule: Rule) -> bool:
    return rule == Rule(action="inspect")


def _name(rule: Rule) -> str:
    return rule.host or rule.suffix or rule.wildcard or ""


def _above(name: str) -> Iterator[str]:
    rest = name.partition(".")[2]
    while rest:
        yield rest
        rest = rest.partition(".")[2]
