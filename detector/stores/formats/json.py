"""JSON as editors write it too: with remarks and commas at the end. Not nested by calls, so no depth is too deep."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from detector.stores.formats.entry import Entry

_TOKEN = re.compile(
    r"//[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/)?|\"(?:[^\"\\\n]|\\.)*+\"?|[{}\[\],:]|[^\s{}\[\],:\"/]+"
)
_MAX_DEPTH = 64


def read(text: str) -> Iterator[Entry]:
    """Numbers, texts, true and false; each of a list under the list's own name."""
    # What is open: "{" or "[", and the name that its value has in what is around it.
    opened: list[str] = []
    names: list[str] = []
    lines: list[int] = []
    name, named_at = "", 0
    expects_name = False
    line, counted = 1, 0
    for token in _TOKEN.finditer(text):
        word = token[0]
        line += text.count("\n", counted, token.start())
        counted = token.start()
        if word.startswith(("//", "/*")):
            continue
        if word in "{[":
            opened.append(word)
            names.append(name)
            lines.append(named_at)
            name, expects_name = "", word == "{"
        elif word in "}]":
            if opened:
                opened.pop()
                name, named_at = names.pop(), lines.pop()
            name, expects_name = "", False
        elif word == ",":
            expects_name = bool(opened) and opened[-1] == "{"
            name = ""
        elif word == ":":
            expects_name = False
        elif expects_name:
            name, named_at = _text(word), line
        elif word != "null" and opened and len(opened) <= _MAX_DEPTH:
            path = (*names, name)
            yield Entry(tuple(part for part in path if part), _text(word), line)


def _text(word: str) -> str:
    if not word.startswith('"'):
        return word
    try:
        found = json.loads(word)
    except ValueError:
        return word[1:-1]
    return found if isinstance(found, str) else word
