"""squid.conf: which names its ssl_bump lines splice, bump or terminate.

Source: squid-cache.org, "acl", "ssl_bump", "Features/SslPeekAndSplice"; the parser's own rules for quotes and files.

Rules
-----
1. A line holds where all of its lists hold; a list where any of its values does, whatever line gave them; "!" turns
   one round. Lines are asked in order at each of three steps; the first that holds, and is possible there, decides.
2. `peek` and `stare` go on to the next step; after a `stare` at step 2 nothing is spliced, and none of them is
   possible at step 3. Where one is for some names alone, a later step is for these.
3. `none` is splice, `server-first` and `client-first` are bump, as older files say it.
4. Names: ".a.com" is the name and all below it. What certificates say is no name of a rule.
5. A quoted value is a file of values; `include` is read at its place.
6. What stands between `if` and `endif` is in force or not, which is not known here: lists and lines there pass nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec

from addons.bypass.expression import has_alternatives
from addons.bypass.place import apart
from addons.bypass.rule import Action, RuleRow
from addons.formats import addresses, searched
from addons.formats.exported import Imported, Unread
from addons.formats.settling import Line, Named, settle
from addons.formats.squid_steps import ONWARD, Bump, in_steps
from addons.formats.squid_text import Word, logical_lines
from addons.formats.together import MOST_ROWS, together
from detector.errors import ConfigError

Beside = Callable[[str], str] | None
_ANYTHING = re.compile(r"[.*+?()^$]")
_NAME = re.compile(r"\.?[\w-]+(?:\.[\w-]+)*\.?")
_ACTIONS: dict[str, Action] = {
    "splice": "pass", "none": "pass", "deny": "pass", "bump": "inspect", "server-first": "inspect",
    "client-first": "inspect", "allow": "inspect", "terminate": "block", "err": "block",
}  # fmt: skip
_STEPS = {"sslbump1": 1, "sslbump2": 2, "sslbump3": 3}
_BRANCH = "stands between if and endif, and whether it is in force is not known"
_MOST_DEPTH, MOST_PARTS = 8, 1000
_NAMES = ("ssl::server_name", "dstdomain")
_EXPRESSIONS = ("ssl::server_name_regex", "dstdom_regex")
# Lists that hold for all TLS that a proxy is asked for.
_TLS = {("method", "CONNECT"), ("proto", "HTTPS")}


class _List(msgspec.Struct):
    """An acl: its type, what it names, and what of it no rule says."""

    kind: str
    values: list[Named]
    why: str = ""
    everything: bool = False
    steps: frozenset[int] = frozenset()
    used: bool = False
    parts: tuple[str, ...] = ()


_BUILT_IN = {
    "all": _List("all", [], everything=True), "CONNECT": _List("all", [], everything=True),
    "localhost": _List("src", [Named(RuleRow(client="127.0.0.0/8")), Named(RuleRow(client="::1"))]),
}  # fmt: skip


def read(text: str, source: str, beside: Beside) -> Imported:
    """The rules of a configuration. Raises ConfigError for what is none."""
    found = _Reading(source, beside)
    found.all(text)
    lines, unread = in_steps(found.bumps)
    return settle(lines, [*found.unread, *unread, *found.unused()])


def values(text: str) -> Imported:
    """The rules of a file of names, which is all that is there."""
    named = [_value(word, _NAMES[0]) for line in logical_lines(text, "") for word in line]
    return settle([Line("pass", tuple(named))])


def _value(word: Word, kind: str) -> Named:
    """What one value of a list of names means."""
    row = _name_row(word.text) if kind in _NAMES else searched_row(word.text)
    if isinstance(row, str):
        return Named(RuleRow(), word.line, word.text, word.file, why=row)
    return Named(row, word.line, word.text, word.file)


def searched_row(text: str) -> RuleRow | str:
    """A regex of Squid, which knows no \\d, as GNU's extended ones do not."""
    if not re.search(r"[A-Za-z]", text):
        return "an expression of addresses: write them as networks, in a list of the type dst"
    if re.search(r"(?<!\\)(?:\\\\)*\\[dD]", text):
        return r"\d is the letter d in Squid's expressions: write [0-9]"
    if has_alternatives(text) and re.search(r"[\^$]", text) is None:
        return searched.meaning(f"({text})")
    return searched.meaning(text)


def _name_row(text: str) -> RuleRow | str:
    name, port = apart(text)
    try:
        if name[-1:].isdigit() or ":" in name:
            return RuleRow(cidr=addresses.networks(name)[0], port=port)
    except ValueError:
        pass
    if "*" in name:
        bare = name.lstrip("*.")
        return f"Squid knows no star, it never matches: write .{bare}"
    if not _NAME.fullmatch(name):
        if re.search(r"[\^$()\[\]+|\\]", name):
            return "is no name: expressions stand in a list of the type ssl::server_name_regex"
        return "is no name"
    if name.startswith("."):
        return RuleRow(suffix=name, port=port)
    return RuleRow(host=name, port=port)


class _Reading:
    def __init__(self, source: str, beside: Beside) -> None:
        self.source, self.beside = source, beside
        self.lists: dict[str, _List] = {}
        self.bumps: list[Bump] = []
        self.unread: list[Unread] = []
        self.asked: set[str] = set()
        self._quoted_values = False
        self._rows = 0
        self._branches = 0  # that are open, of if and else
        self._waiting: list[Bump | tuple[Word, list[Word], str]] = []

    def all(self, text: str) -> None:
        """The configuration; a line is made when all of its lists are known, as lists grow anywhere in it."""
        self.file(text, "", 0)
        for one in self._waiting:
            if isinstance(one, Bump):
                self.bumps.append(one)
            else:
                self._bump(*one)

    def file(self, text: str, name: str, depth: int) -> None:
        """One file of the configuration, with those that it includes."""
        around = self._branches
        for words in logical_lines(text, name):
            first, rest = words[0], words[1:]
            if first.text == "acl" and len(rest) >= 2:
                self._acl(rest)
            elif first.text == "ssl_bump" and rest:
                self._waiting.append((first, rest, _BRANCH if self._branches else ""))
            elif first.text == "if":
                self._branches += 1
            elif first.text == "endif":
                self._branches = max(self._branches - 1, around)
            elif first.text == "configuration_includes_quoted_values" and rest:
                self._quoted_values = rest[0].text == "on"
            elif first.text == "include":
                for one in rest:
                    self._include(one, depth)
            else:
                self.asked |= {one.text.lstrip("!") for one in rest}
        self._branches = around

    def _include(self, word: Word, depth: int) -> None:
        if depth >= _MOST_DEPTH:
            raise ConfigError(self.source, f"files included deeper than {_MOST_DEPTH}")
        text, why = self._text(word.text)
        if text is None:
            self.unread.append(Unread(word.line, f"include {word.text}"[:100], why, word.file))
            # Whatever stands there may come before the lines that follow.
            doubt = Line("inspect", (), word.line, f"include {word.text}", word.file, any_host=True)
            self._waiting.append(Bump("bump", frozenset((1, 2, 3)), doubt))
        else:
            self.file(text, word.text, depth + 1)

    def _text(self, name: str) -> tuple[str | None, str]:
        if any(c in name for c in "*?["):
            return None, "several files by one pattern: give each of them"
        if self.beside is None:
            return None, f"the file {name} was not given"
        try:
            return self.beside(name), ""
        except ConfigError as error:
            return None, str(error)

    def _acl(self, rest: list[Word]) -> None:
        name, kind, values = rest[0], rest[1].text, rest[2:]
        found = self.lists.get(name.text)
        if found is None:
            found = self.lists[name.text] = _List(kind, [])
        if found.kind != kind:
            self._broken(found, name, f"the list {name.text} is of two types")
            return
        flags = {one.text for one in values if one.text[:1] in ("-", "+") and not one.quoted}
        values = [one for one in values if one.text not in flags]
        if self._branches:
            found.steps, found.parts, found.why = frozenset(), (), found.why or _BRANCH
            self._broken(found, name, _BRANCH)
        elif kind in ("any-of", "all-of"):
            found.parts = (*found.parts, *(one.text for one in values))
            if kind == "all-of" and len(found.parts) > len(values):
                found.why = "the list all-of stands in several lines"
        elif kind == "at_step" and not found.why:
            found.steps |= {_STEPS.get(one.text.lower(), 0) for one in values}
        elif (kind, values[0].text if values else "") in _TLS:
            found.everything = True
        elif flags & {"--server-provided", "--consensus"} and kind == "ssl::server_name":
            why = "asks for the name in the server's certificate, which no rule does"
            self._broken(found, values[0] if values else name, why)
        else:
            for one in self._values(values, found):
                self._put(found, one)

    def _broken(self, found: _List, word: Word, why: str) -> None:
        """A part of a list that no rule says: it stands for any name there."""
        found.values.append(Named(RuleRow(), word.line, word.text, word.file, why=why))

    def _put(self, found: _List, word: Word) -> None:
        kind = found.kind
        self._rows += 1
        if self._rows > MOST_ROWS:
            raise ConfigError(self.source, f"more than {MOST_ROWS} values in its lists")
        if kind in _EXPRESSIONS and not _ANYTHING.sub("", word.text):
            found.everything = True
        elif kind in _NAMES or kind in _EXPRESSIONS:
            found.values.append(_value(word, kind))
        else:
            self._put_condition(found, word)

    def _put_condition(self, found: _List, word: Word) -> None:
        kind = found.kind
        at = (word.line, word.text, word.file)
        try:
            if kind in ("dst", "src"):
                if word.text in ("all", "0.0.0.0/0", "::/0"):
                    found.everything = True
                    return
                field = "cidr" if kind == "dst" else "client"
                for network in addresses.networks(word.text):
                    found.values.append(Named(RuleRow(**{field: network}), *at))  # type: ignore[arg-type]
            elif kind == "port":
                for port in addresses.ports(word.text):
                    found.values.append(Named(RuleRow(host="*", port=port), *at))
            else:
                found.why = f"no rule asks for a list of the type {kind}"
        except ValueError as error:
            why = f"{error}: Squid looks names up when it starts" if kind == "dst" else str(error)
            found.values.append(Named(RuleRow(), *at, why=why))

    def _values(self, words: list[Word], found: _List) -> Iterator[Word]:
        for word in words:
            parameters = re.fullmatch(r"parameters\((.*)\)", word.text)
            if parameters is None and (not word.quoted or self._quoted_values):
                yield word
                continue
            name = parameters[1].strip("\"'") if parameters is not None else word.text
            text, why = self._text(name)
            if text is None:
                found.values.append(Named(RuleRow(), word.line, f'"{name}"', word.file, why=why))
                continue
            for line in logical_lines(text, name):
                yield from (one for one in line if one.text not in ("-i", "+i", "-n"))

    def _bump(self, first: Word, rest: list[Word], branch: str) -> None:
        action, steps = rest[0].text, frozenset((1, 2, 3))
        text = " ".join(("ssl_bump", *(one.text for one in rest)))
        if action not in _ACTIONS and action not in ONWARD:
            self.unread.append(Unread(first.line, text[:100], "no action of ssl_bump", first.file))
            return
        positive: list[list[Named]] = []
        spared: list[Named] = []
        doubts: list[str] = [branch] if branch else []
        for one in rest[1:]:
            turned, name = one.text.startswith("!"), one.text.lstrip("!")
            found = self._resolved(name, 0)
            if found is None:
                doubts.append(f"the list {name} is not there")
            elif found.steps:
                steps &= (frozenset((1, 2, 3)) - found.steps) if turned else found.steps
            elif found.everything:
                if turned:
                    steps = frozenset()
            elif turned:
                if found.why or any(v.why for v in found.values):
                    doubts.append(found.why or "a value of a list that is turned round is no rule")
                spared += found.values
            elif found.why and not found.values:
                doubts.append(found.why)
            else:
                positive.append(found.values)
        named, why = together(positive)
        doubts += [why] if why else []
        line = Line(
            _ACTIONS.get(action, "inspect"), named, first.line, text, first.file, not positive,
            tuple(spared), "; ".join(doubts)[:200],
        )  # fmt: skip
        self.bumps.append(Bump(action, steps, line))

    def _resolved(self, name: str, depth: int) -> _List | None:
        found = self.lists.get(name) or _BUILT_IN.get(name)
        if found is None or found.kind not in ("any-of", "all-of"):
            if found is not None:
                found.used = True
            return found
        if not found.used and not found.why:  # once, and not again for what is made of it
            found.used = True
            found.why = f"the list {name} is made of itself"
            made = self._made(name, found, depth)
            found.values, found.why = made.values, made.why
        return found

    def _made(self, name: str, found: _List, depth: int) -> _List:
        """A list of lists, from what they name."""
        parts = [self._resolved(one.lstrip("!"), depth + 1) for one in found.parts[:MOST_PARTS]]
        lists = [one for one in parts if one is not None and not one.steps and not one.everything]
        whole = len(lists) == len(found.parts) and not any(one[0] == "!" for one in found.parts)
        if not whole or depth > _MOST_DEPTH:
            return _List(found.kind, [], why=f"the list {name} is made of what no rule says")
        why = next((one.why for one in lists if one.why), "")
        if found.kind == "all-of":
            named, more = together([one.values for one in lists])
            return _List("all-of", list(named), why or more)
        count = sum(len(one.values) for one in lists)
        if count > MOST_ROWS:
            return _List(found.kind, [], why=f"more than {MOST_ROWS} values")
        return _List("any-of", [v for one in lists for v in one.values], why)

    def unused(self) -> list[Unread]:
        """Values of lists of names that nothing asks."""
        return [
            Unread(one.line, one.text[:100], f"no line asks the list {name}", one.file)
            for name, found in self.lists.items()
            if not found.used and name not in self.asked and found.kind in (*_NAMES, *_EXPRESSIONS)
            for one in found.values
        ]
