"""Lists whose lines are asked in order, the first that holds deciding, as rules, of which the most specific decides.

Rules
-----
1. Nothing passes by the rules that would not pass by the lines. Where a line that does not pass comes first, and
   would come after a rule of a later line, that rule is left out and told.
2. What would be inspected by the rules and passes by the lines is told, too.
3. A line that does not pass, under a condition that no rule says, does not pass without it; one that passes is left
   out. A line whose hosts cannot be told may be for any host.
4. All names below one, without that name itself, are a suffix and a rule that keeps the name back; where the name
   is let through besides, they are the suffix alone.

Lists without an order are lines of one action each, those that do not pass in front.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import msgspec
from msgspec.structs import replace

from addons.bypass.reach import covers, holds, is_any_host, overlap, rank
from addons.bypass.rule import Action, Network, Rule, RuleRow, rule_of
from addons.formats.covered import Covered
from addons.formats.exceptions import Exceptions
from addons.formats.exported import Entry, Imported, Unread
from addons.formats.pairs import Pairs, pairs_of, sound
from detector.errors import TargetError

MOST_TEXT = 100
# What a hostile list could make long: lines for any host, and regexes that are asked about whole names.
_MOST_ANYS, _MOST_ASKED = 100, 500_000
_EVERYTHING = "any host is everything: no list of exceptions says it"


class Named(msgspec.Struct, frozen=True):
    """What one entry of a line names.

    Attributes:
        without: of a suffix: the name itself is not meant, only what is below it.
        why: why it cannot be said; `row` is of no use then.

    """

    row: RuleRow
    line: int = 0
    text: str = ""
    file: str = ""
    without: bool = False
    why: str = ""


class Line(msgspec.Struct, frozen=True):
    """One line that decides.

    Attributes:
        named: hosts that it is for; empty with `any_host` for all.
        spared: hosts that it is not for, whatever `named` says.
        doubt: a condition that no rule says.
        untold: why it is not known what becomes of its hosts: no rule is made of it, and none goes past it.

    """

    action: Action
    named: tuple[Named, ...] = ()
    line: int = 0
    text: str = ""
    file: str = ""
    any_host: bool = False
    spared: tuple[Named, ...] = ()
    doubt: str = ""
    untold: str = ""


def settle(lines: Iterable[Line], before: Iterable[Unread] = ()) -> Imported:
    """The rules of lines in their order, behind what was not read `before`."""
    found = _Settling()
    found.unread += before
    for _, group in groupby(lines, key=lambda line: line.action):
        together = list(group)
        paired = pairs_of(one for line in together if _is_plain(line) for one in line.named)
        for line in together:
            found.take(line, paired if _is_plain(line) else Pairs())
    return Imported(tuple(found.entries), tuple(found.unread))


def unordered(named: Iterable[Named], before: Iterable[Unread] = ()) -> Imported:
    """The rules of a list that only lets through."""
    return settle([Line("pass", tuple(named))], before)


_NOTHING = Covered(())


class _Place(msgspec.Struct, frozen=True):
    """A rule of an earlier line; what is in `but`, and the host `itself`, is not meant by it."""

    rule: Rule
    line: Line
    but: Covered = _NOTHING
    itself: str | None = None


class _Settling:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.unread: list[Unread] = []
        self._passed, self._kept = _Earlier(), _Earlier()
        self._anys: list[tuple[Line, Covered]] = []

    def take(self, line: Line, paired: Pairs) -> None:
        """One line, after those before it."""
        if line.action == "pass":
            if line.any_host and not line.doubt and not line.spared:
                # All that is left to it is what a line before it spares.
                left = next((any_[0].spared for any_ in self._anys if any_[1]), ())
                line = replace(line, any_host=not left, named=left)
            self._pass(line, paired)
        else:
            self._keep(line, paired)

    def _pass(self, line: Line, paired: Pairs) -> None:
        broken = next((one for one in line.spared if one.why), None)
        why = line.doubt or (f"it spares what cannot be said: {broken.why}" if broken else "")
        if why or line.any_host:
            at = (line.line, line.text[:MOST_TEXT], why or _EVERYTHING, line.file)
            if not line.named:
                self.unread.append(Unread(*at))
            for one in line.named:
                self._tell(one, one.why or why)
            return
        spared = _Spared(line)
        for one in line.named:
            rule = self._rule(one)
            if rule is not None:
                self._put(line, spared, *paired.as_one(one, rule))

    def _put(self, line: Line, of_line: _Spared, one: Named, rule: Rule) -> None:
        first = self._first_over(rule)
        if first is not None:
            self._tell(one, f"line {first.line} comes before it: {first.text[:MOST_TEXT]}")
            return
        spared = of_line.meeting(rule)
        if one.without:
            spared.append(replace(rule, suffix=None, host=rule.suffix))
        kept: list[Rule] = []
        for other in spared:
            if not overlap(other, rule):
                continue
            before = None if covers(other, rule) else _in_front(other, rule)
            if before is None:
                self._tell(one, f"its line spares {other.pattern}, and no rule says both")
                return
            kept.append(before)
        for before in kept:
            if self._passed.covering(before) is None:
                self._kept.put(_Place(before, line))
                self._found(_row_of(before), one, line)
        self._passed.put(_Place(rule, line))
        self._found(one.row, one, line)

    def _keep(self, line: Line, paired: Pairs) -> None:
        spared = Covered(
            rule for one in line.spared if not one.why and (rule := sound(one.row)) is not None
        )
        if line.any_host or any(one.why for one in line.named):
            self._anys.append((line, spared if line.any_host else _NOTHING))
        if line.doubt and line.named:
            why = f"{line.doubt}: its hosts are never let through"
            self.unread.append(Unread(line.line, line.text[:MOST_TEXT], why, line.file))
        for one in line.named:
            rule = self._rule(one)
            if rule is None:
                if not one.why:
                    self._anys.append((line, _NOTHING))
                continue
            one, rule = paired.as_one(one, rule)  # noqa: PLW2901
            rule = replace(rule, action=line.action)
            covered = self._passed.covering(rule)
            if line.untold:
                self._tell(one, line.untold)
            elif covered is not None:
                self._tell(one, f"never asked: line {covered.line.line} lets it through before")
                continue
            elif (before := self._passed.over(rule)) is not None:
                why = f"line {before.line.line} lets some of it through before; the rules do not"
                self._tell(one, why)
            itself = rule.suffix if one.without else None
            self._kept.put(_Place(rule, line, spared, itself))
            if not line.untold:
                self._found(replace(one.row, action=line.action), one, line)

    def _first_over(self, rule: Rule) -> Line | None:
        """An earlier line that does not pass what a rule would."""
        for line, spared in self._anys[:_MOST_ANYS]:
            if not spared.covers(rule):
                return line
        if len(self._anys) > _MOST_ANYS:
            return self._anys[_MOST_ANYS][0]
        found = self._kept.over(rule)
        return found.line if found is not None else None

    def _rule(self, one: Named) -> Rule | None:
        if one.why:
            self._tell(one, one.why)
            return None
        try:
            rule = rule_of(one.row)
        except (ValueError, TargetError) as error:
            self._tell(one, str(error))
            return None
        if rule.network is not None and not rule.network.prefixlen and rule.client is None:
            self._tell(one, "any address is everything: no list of exceptions says it")
            return None
        return rule

    def _found(self, row: RuleRow, one: Named, line: Line) -> None:
        """What is named without a line of its own stands in the line that decides."""
        text = (one.text or line.text)[:MOST_TEXT]
        self.entries.append(Entry(row, one.line or line.line, text, one.file or line.file))

    def _tell(self, one: Named, why: str) -> None:
        self.unread.append(Unread(one.line, one.text[:MOST_TEXT], why, one.file))


class _Spared:
    """What a line leaves out, by what it meets; an address may have any name."""

    def __init__(self, line: Line) -> None:
        found = [rule for one in line.spared if (rule := sound(one.row)) is not None]
        self._all, self._by_name = found, Exceptions()
        self._networks = [rule for rule in found if rule.network is not None]
        for rule in found:
            self._by_name.add(rule)

    def meeting(self, rule: Rule) -> list[Rule]:
        """Those that a rule may have something in common with."""
        if rule.network is not None:
            return list(self._all)
        return [*self._by_name.meeting(rule), *self._networks]


class _Earlier:
    """Rules of earlier lines, found by what could meet another one and come after it."""

    def __init__(self) -> None:
        self._hosts: dict[str, list[_Place]] = {}
        self._wildcards: dict[str, list[_Place]] = {}
        self._suffixes: dict[str, list[_Place]] = {}
        self._parents: dict[str, list[_Place]] = {}
        self._networks: dict[tuple[int, int, int], list[_Place]] = {}
        self._lengths: set[tuple[int, int]] = set()
        self._any_network: dict[tuple[object, ...], _Place] = {}
        self._asked = 0
        self._others: list[_Place] = []
        self._regexes: list[_Place] = []

    def put(self, place: _Place) -> None:
        """One more."""
        rule = place.rule
        if rule.host is not None:
            self._hosts.setdefault(rule.host, []).append(place)
        elif rule.wildcard is not None:
            self._wildcards.setdefault(rule.wildcard, []).append(place)
        elif rule.suffix is not None:
            self._suffixes.setdefault(rule.suffix, []).append(place)
            self._parents.setdefault(rule.suffix.partition(".")[2], []).append(place)
        elif rule.network is not None:
            self._networks.setdefault(_key(rule.network), []).append(place)
            self._lengths.add((rule.network.version, rule.network.prefixlen))
            self._any_network.setdefault((rule.port, rule.client, rule.ja4), place)
        else:
            (self._others if rule.regex is None else self._regexes).append(place)

    def over(self, rule: Rule) -> _Place | None:
        """One that meets the rule, and would come after it though its line came before."""
        mine = rank(rule)
        for place in self._meeting(rule):
            if (
                (rank(place.rule) > mine or covers(place.rule, rule) or _same(place.rule, rule))
                and overlap(place.rule, rule)
                and not (place.itself is not None and place.itself == rule.host)
                and not place.but.covers(rule)
                and self._may_hold(place.rule, rule)
            ):
                return place
        return None

    def _may_hold(self, one: Rule, rule: Rule) -> bool:
        """Whether a regex may hold for what a rule names; for a whole name that can be asked."""
        if one.regex is None or rule.host is None or self._asked >= _MOST_ASKED:
            return True
        self._asked += 1
        return holds(one, rule.host)

    def covering(self, rule: Rule) -> _Place | None:
        """One that leaves nothing of the rule."""
        return next((one for one in self._near(rule) if covers(one.rule, rule)), None)

    def _meeting(self, rule: Rule) -> Iterator[_Place]:
        yield from self._regexes  # which cover nothing
        yield from self._near(rule)

    def _near(self, rule: Rule) -> Iterator[_Place]:
        yield from self._others
        name = rule.host or rule.wildcard or rule.suffix
        if rule.network is not None:
            yield from self._around(rule.network)
        elif name is not None:
            yield from self._any_network.values()
            yield from self._hosts.get(rule.host or "", ())
            key = rule.host.partition(".")[2] if rule.host is not None else rule.wildcard
            yield from self._wildcards.get(key or "", ())
            if rule.wildcard is not None:
                yield from self._parents.get(rule.wildcard, ())
            while name:
                yield from self._suffixes.get(name, ())
                name = name.partition(".")[2]

    def _around(self, network: Network) -> Iterator[_Place]:
        for version, length in self._lengths:
            if version == network.version and length <= network.prefixlen:
                yield from self._networks.get(_key(network.supernet(new_prefix=length)), ())


def _in_front(spared: Rule, rule: Rule) -> Rule | None:
    """What inspects what is spared, and comes before the rule; None where nothing does."""
    kept = replace(spared, action="inspect")
    if rank(kept) < rank(rule):
        return kept
    if spared.client is not None and rule.client is None and is_any_host(spared):
        return replace(rule, client=spared.client, port=spared.port or rule.port, action="inspect")
    if spared.port is not None and rule.port is None and is_any_host(spared) and not spared.client:
        return replace(rule, port=spared.port, action="inspect")
    return None


def _same(one: Rule, other: Rule) -> bool:
    """Of regexes nothing else is known."""
    return one.regex is not None and replace(one, action="pass") == replace(other, action="pass")


def _is_plain(line: Line) -> bool:
    """Whether it does the same with all that it names."""
    return not (line.spared or line.doubt or line.untold)


def _row_of(rule: Rule) -> RuleRow:
    """A row that means the rule; of the kinds that a line may spare."""
    return RuleRow(
        host=rule.host,
        suffix=rule.suffix,
        wildcard=rule.wildcard,
        cidr=str(rule.network) if rule.network is not None else None,
        regex=rule.regex,
        port=rule.port,
        client=str(rule.client) if rule.client is not None else None,
        action=rule.action,
    )


def _key(network: Network) -> tuple[int, int, int]:
    return network.version, network.prefixlen, int(network.network_address)
