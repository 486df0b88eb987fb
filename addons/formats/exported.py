"""What an export and an import are, and what lists of names have in common.

No list but our own says when an entry ends. A rule that ends on a day stands there until the next export, as
it always did; one that ends at a moment is left out, so that hours do not become for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from addons.bypass.reach import in_force, rank
from addons.bypass.rule import Rule, RuleRow
from addons.formats.exceptions import Exceptions

# The words that say a name to a target, or why it cannot be said.
Say = Callable[[str], list[str]] | str
UNPROVED = "the list cannot ask the server for proof, and the rule wants its certificate"


class Refused(msgspec.Struct, frozen=True):
    """A rule that was left out, and why. Leaving out a rule that passes means that the host is inspected."""

    rule: Rule
    why: str


class Exported(msgspec.Struct, frozen=True):
    text: str
    refused: tuple[Refused, ...]


class Entry(msgspec.Struct, frozen=True):
    """A rule, and the entry of a foreign list that means it. One entry may be several rules."""

    row: RuleRow
    line: int = 0
    text: str = ""
    file: str = ""


class Unread(msgspec.Struct, frozen=True):
    """An entry of a foreign list that no rule says.

    Attributes:
        file: where it stands, when that is not the list itself but one that it names.

    """

    line: int
    text: str
    why: str
    file: str = ""


class Imported(msgspec.Struct, frozen=True):
    """What a foreign list says: each entry of it is among the one or the other.

    Attributes:
        notes: how it was read, where that is not plain: which column was taken for what.

    """

    entries: tuple[Entry, ...]
    unread: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[RuleRow, ...]:
        """The rules, each once."""
        return tuple(dict.fromkeys(one.row for one in self.entries))


class ReadOptions(msgspec.Struct, frozen=True):
    """What a reader may need besides the list itself.

    Attributes:
        beside: the text of a file that the list names. Raises ConfigError.
        columns: of a table without a head that we know: our field by the column's name or number, from 1.

    """

    beside: Callable[[str], str] | None = None
    columns: Mapping[str, str] = {}


class Speech(msgspec.Struct, frozen=True):
    """How a target says a whole name, a name with all below it, and one label below a name.

    Each is a function from the rule's name to the target's entries, or the reason why it cannot be said.
    """

    host: Say
    suffix: Say
    wildcard: Say


def name_list(
    rules: Iterable[Rule], now: datetime, speech: Speech, *, ports: bool = False
) -> tuple[list[tuple[Rule, list[str]]], tuple[Refused, ...]]:
    """What a list that only lets through can say: no exceptions from it, so no rule that has some.

    Gives each rule that passes with its entries, and what was refused.
    """
    said: list[tuple[Rule, list[str]]] = []
    refused: list[Refused] = []
    before = Exceptions()  # more specific ones that do not pass
    for rule in in_force(rules, now):
        why = why_not(rule, ports=ports)
        if why is None and rule.action == "pass":
            why = kept_back(rule, before)
        if rule.action != "pass":
            before.add(rule)
        if rule.action == "inspect":
            continue  # nothing needs to be said of it; what it narrows is refused below
        entries = speak(rule, speech) if why is None else ""
        if isinstance(entries, str):
            refused.append(Refused(rule, why or entries))
        else:
            said.append((rule, entries))
    return said, tuple(refused)


def lines(rules: Iterable[Rule], now: datetime, speech: Speech) -> Exported:
    """A list that only lets through, one entry a line, each once."""
    said, refused = name_list(rules, now, speech)
    entries = dict.fromkeys(f"{entry}\n" for _, of_rule in said for entry in of_rule)
    return Exported("".join(entries), refused)


def speak(rule: Rule, speech: Speech) -> list[str] | str:
    """The entries for a rule of names, or why it cannot be said."""
    for name, how in ((rule.host, speech.host), (rule.suffix, speech.suffix),
                      (rule.wildcard, speech.wildcard)):  # fmt: skip
        if name is not None:
            return how if isinstance(how, str) else how(name)
    return "the list knows no regular expressions, not Python's"


def why_not(rule: Rule, *, ports: bool = False) -> str | None:
    """What lists of names cannot say, None where the rule is one of names alone."""
    if rule.action == "block":
        return "the list only knows passing and inspecting"
    if rule.client is not None:
        return "the list knows no clients"
    if rule.ja4 is not None:
        return "the list knows no JA4"
    if rule.port is not None and not ports:
        return "the list knows no ports"
    if rule.network is not None:
        return "the list is of names, and this is a range of addresses"
    if isinstance(rule.expires, datetime):
        return f"it ends at {rule.until}, and the list would let it stand for ever"
    if rule.regex is not None and not rule.regex.isprintable():
        return "the expression holds characters that cannot be seen"
    return None


def unproved(rules: Iterable[Rule], now: datetime) -> tuple[list[Rule], list[Rule]]:
    """Rules for a list that asks for no proof: those that want a certificate inspect there. With these apart.

    Inspecting, they are also exceptions from wider rules that pass, which would let the same host through unproved.
    """
    found: list[Rule] = []
    left: list[Rule] = []
    for rule in in_force(rules, now):
        if rule.action == "pass" and rule.bind == "certificate":
            left.append(replace(rule, action="inspect"))
            found.append(left[-1])
        else:
            found.append(rule)
    return found, left


def kept_back(rule: Rule, exceptions: Exceptions) -> str | None:
    """Why a rule that passes is wider than what is meant, None where no exception meets it."""
    other = min(exceptions.meeting(rule), key=rank, default=None)
    return (
        None if other is None else f"the list cannot say that {other.pattern} says {other.action}"
    )
