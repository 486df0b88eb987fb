"""PAN-OS's configuration as `set` commands, as the tree that its XML would be.

Source: docs.paloaltonetworks.com, "CLI Quick Start": a command is a path of the configuration and a value; several
settings of one entry may stand in one command, a list stands in brackets, and `move`, `rename` and `delete` change
what commands before them made. A change of what is there that is not understood ends the reading: without it a host
could pass that is inspected.
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
_VERB = re.compile(r"(?:set|delete|move|rename|copy)\s")
# A quotation without its end goes to the end of the line: to look for it from each quote on would take for ever.
_WORD = re.compile(r'"(?P<quoted>(?:[^"\\]|\\.)*)\\?(?:"|$)|(?P<bare>[^\s"]+)')
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
# Each looks through its table.
_MOST_CHANGES = 5000


class _UnclearError(ValueError):
    """What was read before this command may not hold any more."""


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
    """The configuration, and the commands that are not understood.

    Raises ConfigError for too many lines, and for a change of what is there that is not understood.
    """
    made = _Tree()
    unread: list[Unread] = []
    for command in _commands(text, source):
        verb, rest = command.words[0].text, command.words[1:]
        try:
            if verb == "set":
                made.set(rest, command.line)
            else:
                made.change(verb, [one.text for one in rest])
        except _UnclearError as error:
            remedy = "give the configuration as XML"
            raise ConfigError(source, str(error), line=command.line, remedy=remedy) from None
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
        self._nodes: dict[tuple[int, str], Element] = {}  # by what they are in
        self._gone: list[Element] = []  # kept, so that no other is taken for one of them
        self._changes = 0

    def set(self, words: Sequence[_Word], line: int) -> None:
        """One command. Raises ValueError where it is for what is read here, and is not understood."""
        node, left = self.root, list(words[:_MOST_WORDS])
        while left:
            tag = _tag(left.pop(0).text)
            if tag == "rules" and not _of_decryption(words):
                return
            node = self._below(node, tag, line)
            if tag == "disabled-ssl-exclude-cert-from-predefined":
                names = ", ".join(one.text for one in left if one.text not in "[]")
                raise ValueError(f"{panos_xml.AGAIN}: {names}"[:200])
            if tag in _TABLES and left:
                node = self._entry(node, left.pop(0).text, line)
                if tag in _VALUES:
                    self._settings(node, tag, left, line)
                    return

    def change(self, verb: str, words: Sequence[str]) -> None:
        """What is done to what is there. Raises ValueError for what is not, _UnclearError for what is not understood."""
        way, rest = self._walked(words)
        node, parent = way[-1], way[-2] if len(way) > 1 else self.root
        if node is self.root or (rest and not self._is_read(way)):
            if _is_of_ours(words):
                raise ValueError("is of nothing that is there")
            return
        self._changes += 1
        if self._changes > _MOST_CHANGES:
            raise _UnclearError(f"more than {_MOST_CHANGES} changes")
        if verb == "delete":
            self._delete(parent, node, rest)
        elif parent.tag in _VALUES:
            self._arrange(verb, parent, node, rest)

    def _walked(self, words: Sequence[str]) -> tuple[list[Element], list[str]]:
        """The elements on the way from the root, as far as there are any, and the words after that."""
        way, left = [self.root], list(words)
        while left:
            here = way[-1]
            known = self._entries if here.tag in _TABLES else self._nodes
            word = left[0] if here.tag in _TABLES else _tag(left[0])
            found = known.get((id(here), word))
            if found is None:
                break
            way.append(found)
            del left[0]
        return way, left

    @staticmethod
    def _is_read(way: Sequence[Element]) -> bool:
        """Whether it leads to an entry of what is read here, or into one."""
        return any(one.tag in _VALUES for one in way[:-1])

    def _delete(self, parent: Element, node: Element, rest: Sequence[str]) -> None:
        if not rest:
            self._gone.append(node)
            _without(parent, node)
            for known in (self._entries, self._nodes):
                for name in (node.name, node.tag):
                    if known.get((id(parent), name)) is node:
                        del known[id(parent), name]
            return
        if parent.tag in _VALUES:
            raise ValueError(f"{rest[0][:MOST_TEXT]} is not there")
        kept = [one for one in node.children if one.text != rest[0]]
        if len(rest) > 1 or not kept or len(kept) == len(node.children):
            raise _UnclearError("what is deleted here is not known")
        node.children = kept

    def _arrange(self, verb: str, table: Element, entry: Element, rest: list[str]) -> None:
        if verb == "rename" and len(rest) == 2 and rest[0] == "to":
            del self._entries[id(table), entry.name]
            entry.name = rest[1]
            self._entries[id(table), entry.name] = entry
        elif verb == "move" and rest in (["top"], ["bottom"]):
            _without(table, entry)
            table.children.insert(0 if rest == ["top"] else len(table.children), entry)
        elif verb == "move" and len(rest) == 2 and rest[0] in ("before", "after"):
            other = self._entries.get((id(table), rest[1]))
            if other is None or other is entry:
                raise _UnclearError(f"{rest[1][:MOST_TEXT]} is not there")
            _without(table, entry)
            here = next(n for n, one in enumerate(table.children) if one is other)
            table.children.insert(here + (rest[0] == "after"), entry)
        else:
            raise _UnclearError(f"what {verb} does here is not known")

    def _entry(self, table: Element, name: str, line: int) -> Element:
        found = self._entries.get((id(table), name))
        if found is None:
            found = self._entries[id(table), name] = Element("entry", line, name=name)
            table.children.append(found)
        return found

    def _settings(self, entry: Element, table: str, left: list[_Word], line: int) -> None:
        """What a command says of one entry. Raises ValueError for a value that is not there."""
        while left:
            tag = left.pop(0).text
            if tag in _VALUES[table]:
                self._below(entry, tag, line).text = _listed(left, tag)[0].text
            elif (table, tag) == ("rules", "type"):
                kind = _listed(left, tag)[0].text
                self._below(self._below(entry, tag, line), kind, line)
                if kind == "ssl-inbound-inspection":
                    left.clear()  # its certificates
            else:
                # What is not known of a rule may be a condition: then the rule is told by it.
                node = self._below(entry, tag[:MOST_TEXT], line)
                if (table, tag) == ("rules", "target"):
                    node = self._below(node, _listed(left, tag)[0].text, line)
                words = [one.text for one in _listed(left, tag)]
                if (tag, node.tag) == ("target", "negate"):
                    node.text = words[0]
                else:
                    node.children += (Element("member", line, text=one) for one in words)

    def _below(self, node: Element, tag: str, line: int) -> Element:
        found = self._nodes.get((id(node), tag))
        if found is None:
            found = self._nodes[id(node), tag] = Element(tag, line)
            node.children.append(found)
        return found


def _tag(word: str) -> str:
    return "device-group" if word == "devicegroups" else word


def _of_decryption(words: Sequence[_Word]) -> bool:
    return ("decryption", "rules") in pairwise(one.text for one in words)


def _is_of_ours(words: Sequence[str]) -> bool:
    if "rules" in words:
        return ("decryption", "rules") in pairwise(words)
    return any(one in _VALUES for one in words)


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


def _without(node: Element, gone: Element) -> None:
    node.children = [one for one in node.children if one is not gone]
