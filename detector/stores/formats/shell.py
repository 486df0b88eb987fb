"""Variables that start files of shells set, and the units of systemd: sh, fish, csh, PowerShell, PAM, environment.d."""

from __future__ import annotations

import re
from collections.abc import Iterator

from detector.stores.formats.entry import Entry, lines_of, unquoted

_ASSIGNED = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_POWERSHELL = re.compile(r"\$env:(\w+)\s*=\s*(.*)", re.IGNORECASE)
# Words that stand before assignments, or before a statement.
_BEFORE = frozenset(
    ("export", "declare", "typeset", "readonly", "then", "else", "do", "{", "DEFAULT")
)
_ENDS = ";&|\n"
_MAX_LINE = 8192


def read(text: str) -> Iterator[Entry]:
    """Assignments that stay when the line is done; what is set for one command alone is none."""
    for number, line in enumerate(lines_of(text), 1):
        if "=" not in line and "set" not in line:
            continue
        for words in statements(line[:_MAX_LINE]):
            for name, value in _assigned(words):
                yield Entry((name,), value, number)


def read_unit(text: str) -> Iterator[Entry]:
    """`Environment=` of a unit: assignments with a space between, each in quotes or not."""
    for number, line in enumerate(lines_of(text), 1):
        name, _, value = line.strip().partition("=")
        if name.strip() != "Environment":
            continue
        for words in statements(value[:_MAX_LINE].replace(";", " ")):
            for word in words:
                found = _ASSIGNED.match(unquoted(word))
                if found is not None:
                    yield Entry((found[1],), unquoted(found[2]), number)


def statements(line: str) -> Iterator[list[str]]:
    """A line's statements as words, without their remarks. Quotes inside a word are taken off."""
    words: list[str] = []
    word: list[str] = []
    quote = ""
    begun = False
    for char in line:
        if quote:
            if char == quote:
                quote = ""
            else:
                word.append(char)
        elif char in "\"'":
            quote, begun = char, True
        elif char == "#" and not begun:
            break
        elif char.isspace() or char in _ENDS:
            if begun:
                words.append("".join(word))
            word, begun = [], False
            if char in _ENDS:
                yield words
                words = []
        else:
            word.append(char)
            begun = True
    if begun:
        words.append("".join(word))
    yield words


def _assigned(words: list[str]) -> Iterator[tuple[str, str]]:
    while words and (words[0] in _BEFORE or (words[0].startswith("-") and len(words) > 1)):
        words = words[1:]
    if not words:
        return
    if words[0].lower().startswith("$env:"):
        found = _POWERSHELL.match(" ".join(words))
        if found is not None:
            yield found[1], found[2].strip()
    elif words[0] == "setenv" and len(words) > 2:
        yield words[1], words[2]
    elif words[0] == "set":
        names = [word for word in words[1:] if not word.startswith("-")]
        exports = any(word.startswith("-") and "x" in word for word in words[1:])
        if exports and len(names) > 1:
            yield names[0], " ".join(names[1:])
    else:
        found_all = [_ASSIGNED.fullmatch(word) for word in words]
        if all(found_all):
            yield from ((found[1], found[2]) for found in found_all if found)
