"""PAN-OS's configuration as `set` commands, as the tree that its XML would be.

Source: docs.paloaltonetworks.com, "CLI Quick Start": a command is a path of the configuration and a value; several
settings of one entry may stand in one command, a list stands in brackets, and `move`, `rename` and `delete` change
what commands before them made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from addons.formats import panos_xml
from addons.formats.exported import Unread
from addons.formats.settling import MOST_TEXT
from addons.formats.xml_elements import Element
from detector.errors import ConfigError

# What stands in front where a session was copied: user@host#, its template or its context in brackets.
_PROMPT = re.compile(r"^\s*(?:[^\s@]+@[^\s@#>()]+(?:\([^()]*\))?\s*[#>]\s*)?")
_VERB = re.compile(r"(?:set|delete|move|rename)\s")
_WORD = re.compile(r'"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s"]+)')
# Settings with one value, by the table of the entry; the others take a word or several in brackets.
_VALUES = {
    "rules": (
        "action", "disabled", "negate-source", "negate-destination", "description", "profile", "log-setting",
        "log-success", "log-fail", "log-start", "log-end", "group-tag", "uuid",
    ),
    "custom-url-category": ("type", "description", "disable-override"),
    "address-group": ("description", "disable-override"),
    "address": ("ip-netmask", "ip-range", "ip-wildcard", "fqdn", "description", "disable-override"),
    "ssl-exclude-cert": ("exclude", "description"),
}  # fmt: skip
# Tables whose entries have names, by the tag of the table.
_TABLES = (*_VALUES, "vsys", "device-group", "template", "devices")
_MOST_LINES = 2_000_000
_MOST_WORDS = 200_000


class _Word(NamedTuple):
    text: str
    quoted: bool = False


class _Command(NamedTuple):
    line: int
    text: str
    words: list[_Word]


def is_commands(text: str) -> bool:
    """Whether any line is such a command."""
    return any(_VERB.match(_PROMPT.sub("", line, count=1)) for line in text.splitlines())


def tree(text: str, source: str) -> tuple[Element, list[Unread]]:
    """The configuration, and the commands that are not understood. Raises ConfigError for too many lines."""
    made = _Tree()
    unread: list[Unread] = []
    for command in _commands(text, source):
        verb, rest = command.words[0].text, command.words[1:]
        try:
            if verb == "set":
                made.set(rest, command.line)
            else:
                made.change(verb, [one.text for one in rest])
        except ValueError as error:
            unread.append(Unread(command.line, command.text[:MOST_TEXT], str(error)))
    return made.root, unread


def _commands(text: str, source: str) -> Iterator[_Command]:
    gathered, first = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if number > _MOST_LINES:
            raise ConfigError(source, f"more than {_MOST_LINES} lines")
        bare = line if gathered else _PROMPT.sub("", line, count=1)
        first = first if gathered else number
        gathered = f"{gathered} {bare.strip()}".strip()
        if gathered.endswith("\\"):
            gathered = gathered[:-1].rstrip()
            continue
        if _VERB.match(gathered):
            yield _Command(first, gathered, _words(gathered))
        gathered = ""
    if _VERB.match(gathered):
        yield _Command(first, gathered, _words(gathered))


def _words(text: str) -> list[_Word]:
    return [
        _Word(re.sub(r"\\(.)", r"\1", one["quoted"]), quoted=True)
        if one["quoted"] is not None
        else _Word(one["bare"])
        for one in _WORD.finditer(text)
    ]


class _Tree:
    def __init__(self) -> None:
        self.root = Element("config", 1)
        self._entries: dict[tuple[int, str], Element] = {}  # by their table

    def set(self, words: Sequence[_Word], line: int) -> None:
        """One command. Raises ValueError where it is for what is read here, and is not understood."""
        node, left = self.root, list(words[:_MOST_WORDS])
        while left:
            tag = _tag(left.pop(0).text)
            if tag == "rules" and not _of_decryption(words):
                return
            node = _below(node, tag, line)
            if tag == "disabled-ssl-exclude-cert-from-predefined":
                names = ", ".join(one.text for one in left if one.text not in "[]")
                raise ValueError(f"{panos_xml.AGAIN}: {names}"[:200])
            if tag in _TABLES and left:
                node = self._entry(node, left.pop(0).text, line)
                if tag in _VALUES:
                    _settings(node, tag, left, line)
                    return

    def change(self, verb: str, words: Sequence[str]) -> None:
        """What is done to entries that are there. Raises ValueError for what cannot be told."""
        if not any(one in _VALUES for one in words) or (
            "rules" in words and ("decryption", "rules") not in pairwise(words)
        ):
            return
        table, name, rest = self._place(words)
        entry = self._entries.get((id(table), name))
        if entry is None:
            raise ValueError(f"{name} is not there")
        if verb == "delete" and not rest:
            _without(table, entry)
            del self._entries[id(table), name]
        elif verb == "delete" and len(rest) == 1 and (found := entry.one(rest[0])) is not None:
            _without(entry, found)
        elif verb == "rename" and len(rest) == 2 and rest[0] == "to":
            del self._entries[id(table), name]
            entry.name = rest[1]
            self._entries[id(table), entry.name] = entry
        elif verb == "move" and rest in (["top"], ["bottom"]):
            _without(table, entry)
            table.children.insert(0 if rest == ["top"] else len(table.children), entry)
        elif verb == "move" and len(rest) == 2 and rest[0] in ("before", "after"):
            other = self._entries.get((id(table), rest[1]))
            if other is None or other is entry:
                raise ValueError(f"{rest[1]} is not there")
            _without(table, entry)
            here = next(n for n, one in enumerate(table.children) if one is other)
            table.children.insert(here + (rest[0] == "after"), entry)
        else:
            raise ValueError(f"what {verb} does here is not known: give the configuration as XML")

    def _place(self, words: Sequence[str]) -> tuple[Element, str, list[str]]:
        """A table, the name of an entry of it, and what follows."""
        node, left = self.root, list(words)
        while len(left) > 1:
            tag = _tag(left.pop(0))
            found = node.one(tag)
            if found is None:
                break
            node = found
            if tag in _VALUES:
                return node, left[0], left[1:]
            if tag in _TABLES:
                entry = self._entries.get((id(node), left.pop(0)))
                if entry is None:
                    break
                node = entry
        raise ValueError("is of nothing that is there")

    def _entry(self, table: Element, name: str, line: int) -> Element:
        found = self._entries.get((id(table), name))
        if found is None:
            found = self._entries[id(table), name] = Element("entry", line, name=name)
            table.children.append(found)
        return found


def _tag(word: str) -> str:
    return "device-group" if word == "devicegroups" else word


def _of_decryption(words: Sequence[_Word]) -> bool:
    return ("decryption", "rules") in pairwise(one.text for one in words)


def _settings(entry: Element, table: str, left: list[_Word], line: int) -> None:
    """What a command says of one entry. Raises ValueError for a value that is not there."""
    while left:
        tag = left.pop(0).text
        if tag in _VALUES[table]:
            _below(entry, tag, line).text = _listed(left, tag)[0].text
        elif (table, tag) == ("rules", "type"):
            kind = _listed(left, tag)[0].text
            _below(_below(entry, tag, line), kind, line)
            if kind == "ssl-inbound-inspection":
                left.clear()  # its certificates
        else:
            # What is not known of a rule may be a condition: then the rule is told by it.
            node = _below(entry, tag[:MOST_TEXT], line)
            if (table, tag) == ("rules", "target"):
                node = _below(node, _listed(left, tag)[0].text, line)
            words = [one.text for one in _listed(left, tag)]
            if (tag, node.tag) == ("target", "negate"):
                node.text = words[0]
            else:
                node.children += (Element("member", line, text=one) for one in words)


def _listed(left: list[_Word], tag: str) -> list[_Word]:
    """One value, or those in brackets."""
    first = left.pop(0) if left else None
    if first is None:
        raise ValueError(f"{tag[:MOST_TEXT]} without a value")
    if first.quoted or first.text != "[":
        return [first]
    end = next((n for n, one in enumerate(left) if one == _Word("]")), 0)
    found = left[:end]
    if not found:
        raise ValueError("a bracket without its end, or nothing in it")
    del left[: end + 1]
    return found


def _below(node: Element, tag: str, line: int) -> Element:
    found = node.one(tag)
    if found is None:
        found = Element(tag, line)
        node.children.append(found)
    return found


def _without(node: Element, gone: Element) -> None:
    node.children = [one for one in node.children if one is not gone]
