"""What a foreign list says, gathered entry by entry: rules that hold, or why there is none.

Rules
-----
1. Every entry of the list ends among the read or the unread ones, with its line and its text.
2. "All below a name, not the name itself" is no pattern of ours. It is said by two rules: the suffix passes, the name
   itself is inspected. The second is left out where another entry of the list lets that very name through, so that
   `x` and `*.x` side by side are the suffix that they mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from addons.bypass.rule import RuleRow, rule_of
from addons.formats.exported import Entry, Imported, Unread
from detector.errors import TargetError
from detector.model.targets import PLAIN_NAME, normal_host

Kind = Literal["host", "suffix", "wildcard", "below", "cidr", "regex", "any"]
MAX_TEXT = 100
_NAMED = ("host", "suffix", "wildcard", "below")
_LONGEST = 253


class Pattern(NamedTuple):
    """What an entry is about.

    Attributes:
        kind: "below" is all below the name without it, "any" is every host of a port.
        value: without leading dots and stars.

    """

    kind: Kind
    value: str
    port: int | None = None

    def row(self, **about: Any) -> RuleRow:
        """A rule with this pattern; of "below" the suffix alone."""
        if self.port is not None:
            about["port"] = self.port
        match self.kind:
            case "host":
                return RuleRow(host=self.value, **about)
            case "wildcard":
                return RuleRow(wildcard=self.value, **about)
            case "cidr":
                return RuleRow(cidr=self.value, **about)
            case "regex":
                return RuleRow(regex=self.value, **about)
            case "any":
                return RuleRow(host="*", **about)
            case _:
                return RuleRow(suffix=self.value, **about)


Found = list[Pattern] | str


class Gathered:
    """Entries as they come."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._below: list[int] = []
        self._unread: list[Unread] = []
        self._notes: dict[str, None] = {}

    def add(self, line: int, text: str, found: Found, /, file: str = "", **about: Any) -> None:
        """An entry with all that it means, or why it means nothing here.

        Args:
            line: from 1; 0 where it has none.
            text: as it stands there.
            found: its patterns, of which each must hold; or why there is none.
            file: where it stands, when that is not the list itself.
            **about: other fields of the rules.

        """
        text = text[:MAX_TEXT]
        if isinstance(found, str):
            self._unread.append(Unread(line, text, found or "says nothing", file))
            return
        if (
            len(found) == 1
            and found[0].kind in _NAMED
            and found[0].port is None
            and _is_plain(found[0].value, about)
        ):
            self._keep(found[0], found[0].row(**about), line, text, file)
            return
        rows: list[tuple[Pattern, RuleRow]] = []
        try:
            for pattern in found:
                row = pattern.row(**about)
                rule_of(row)
                rows.append((pattern, row))
        except (ValueError, TargetError, msgspec.ValidationError) as error:
            self._unread.append(Unread(line, text, str(error), file))
            return
        for pattern, row in rows:
            self._keep(pattern, row, line, text, file)

    def _keep(self, pattern: Pattern, row: RuleRow, line: int, text: str, file: str) -> None:
        if pattern.kind == "below" and row.action == "pass":
            self._below.append(len(self._entries))
        self._entries.append(Entry(row, line, text, file))

    def unread(self, line: int, text: str, why: str, file: str = "") -> None:
        """An entry that no rule says."""
        self._unread.append(Unread(line, text[:MAX_TEXT], why, file))

    def take(self, entry: Entry) -> None:
        """One whose rule is known to hold."""
        self._entries.append(entry)

    def note(self, text: str) -> None:
        """What a person should know of the reading, once."""
        self._notes[text] = None

    def done(self) -> Imported:
        """All of it, in its order."""
        unread = tuple(sorted(self._unread, key=lambda one: one.line))
        return Imported(tuple(self._all()), unread, tuple(self._notes))

    def _all(self) -> Iterator[Entry]:
        below = set(self._below)
        passed = _Passed(self._entries, below) if below else None
        # `x` beside `*.x` is the suffix, as `*.x` is.
        whole = {
            replace(row, suffix=None, host=_name(row.suffix or "")): row
            for row in (self._entries[place].row for place in below)
        }
        for place, entry in enumerate(self._entries):
            row = whole.get(entry.row, entry.row) if entry.row.host is not None else entry.row
            yield entry if row is entry.row else replace(entry, row=row)
            if place in below and passed is not None:
                name = _name(entry.row.suffix or "")
                if not passed(name, entry.row):
                    row = replace(entry.row, suffix=None, host=name, action="inspect")
                    yield replace(entry, row=row)


class _Passed:
    """Whether the list lets a name itself through, by another entry than one that means what lies below it."""

    def __init__(self, entries: list[Entry], below: set[int]) -> None:
        self._by: dict[tuple[int | None, str | None], tuple[set[str], set[str], set[str]]] = {}
        for place, entry in enumerate(entries):
            row = entry.row
            if row.action != "pass" or row.ja4 is not None:
                continue
            hosts, wild, above = self._by.setdefault((row.port, row.client), (set(), set(), set()))
            if row.host is not None:
                hosts.add(_name(row.host))
            elif row.wildcard is not None:
                wild.add(_name(row.wildcard))
            elif row.suffix is not None:
                above.add(_name(row.suffix))
                if place not in below:
                    hosts.add(_name(row.suffix))

    def __call__(self, name: str, row: RuleRow) -> bool:
        for conditions in {(p, c) for p in (None, row.port) for c in (None, row.client)}:
            hosts, wild, above = self._by.get(conditions, (set(), set(), set()))
            if name in hosts:
                return True
            parent = name.partition(".")[2]
            if parent in wild:
                return True
            while parent:
                if parent in above:
                    return True
                parent = parent.partition(".")[2]
        return False


def _is_plain(name: str, about: dict[str, Any]) -> bool:
    """Whether a rule of this name is known to hold: almost all are so, and asking each takes long."""
    if not PLAIN_NAME.fullmatch(name) or len(name) > _LONGEST:
        return False
    return "client" not in about and "ja4" not in about and "port" not in about


def _name(text: str) -> str:
    return normal_host(text.removeprefix("*").removeprefix("."))
