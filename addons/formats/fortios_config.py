"""FortiOS's configuration: `config`, `edit`, `set`, `next` and `end` as tables of objects.

Source: docs.fortinet.com, CLI reference, "CLI basics", "Command syntax".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from detector.errors import ConfigError

MAX_LINES = 2_000_000
MAX_DEPTH = 12
# Lines as almost all are: words, in quotes or not, with nothing in them that means something else.
_WORD = re.compile(r'"([^"\\]*)"|([^\s"\\#!]+)')
_PLAIN = re.compile(r'\s*+(?:(?:"[^"\\]*+"|[^\s"\\#!]++)(?:\s++|\Z))*+')


class Node(msgspec.Struct):
    """A table (`config`) or an object in one (`edit`), with what is set in it and what is below it."""

    name: str
    line: int
    values: dict[str, list[str]] = {}
    below: list[Node] = []

    def words(self, key: str) -> tuple[str, ...]:
        """What is set; nothing where it is not."""
        return tuple(self.values.get(key, ()))

    def word(self, key: str) -> str:
        """The first of it."""
        return next(iter(self.words(key)), "")

    def tables(self, name: str) -> Iterator[Node]:
        """All tables of that name, anywhere below."""
        waiting = [*reversed(self.below)]
        while waiting:
            found = waiting.pop()
            if found.name == name:
                yield found
            else:
                waiting += reversed(found.below)


def parsed(text: str, source: str) -> Node:
    """The root. Raises ConfigError beyond the bounds; what is no command is passed over."""
    root = Node("", 1)
    # A table, an object in it, a table in that: whether each is an object.
    opened: list[tuple[Node, bool]] = [(root, False)]
    for words, line in _commands(text, source):
        verb, rest = words[0], words[1:]
        node, is_object = opened[-1]
        if verb in ("config", "edit") and rest:
            if verb == "edit" and is_object:  # a `next` that is not there
                opened.pop()
                node = opened[-1][0]
            if len(opened) > MAX_DEPTH:
                raise ConfigError(source, f"tables nested deeper than {MAX_DEPTH}", line=line)
            found = Node(" ".join(rest), line)
            node.below.append(found)
            opened.append((found, verb == "edit"))
        elif verb == "append" and len(rest) > 1 and rest[0] in node.values:
            node.values[rest[0]] += rest[1:]
        elif verb in ("set", "append") and len(rest) > 1:
            node.values[rest[0]] = rest[1:]
        elif verb == "unset" and rest:
            node.values.pop(rest[0], None)
        elif verb == "next" and is_object:
            opened.pop()
        elif verb == "end":
            if is_object:
                opened.pop()
            if len(opened) > 1:
                opened.pop()
    return root


def _commands(text: str, source: str) -> Iterator[tuple[list[str], int]]:
    """Lines as words; a quoted word may go on over lines."""
    words: list[str] = []
    word: list[str] = []
    quoted = there = False
    start = 1
    for number, line in enumerate(text.splitlines(), 1):
        if number > MAX_LINES:
            raise ConfigError(source, f"more than {MAX_LINES} lines")
        if not quoted:
            start = number
            if line.lstrip().startswith(("#", "!")):
                continue
            if _PLAIN.fullmatch(line) is not None:
                if found := [bare or inside for inside, bare in _WORD.findall(line)]:
                    yield found, start
                continue
        at = 0
        while at < len(line):
            c = line[at]
            if c == "\\" and at + 1 < len(line):
                word.append(line[at + 1] if line[at + 1] in "\"'\\ " else line[at : at + 2])
                at, there = at + 2, True
                continue
            if c == '"':
                quoted, there = not quoted, True
            elif c.isspace() and not quoted:
                if there:
                    words.append("".join(word))
                word, there = [], False
            elif c in "#!" and not quoted and not there and words:
                break
            else:
                word.append(c)
                there = True
            at += 1
        if quoted:
            word.append("\n")
            continue
        if there:
            words.append("".join(word))
        if words:
            yield words, start
        words, word, there = [], [], False
    if words:
        yield words, start
