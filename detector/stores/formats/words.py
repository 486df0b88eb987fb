"""Lines of a name and its value with a space between, and words of a command line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from detector.stores.formats.entry import Entry, lines_of, unquoted

_PART = re.compile(r"\s*=\s*|\s+")
_MAX_LINE = 8192
_WORD = re.compile(r"\"[^\"]*\"|'[^']*'|(?:[^\s\"']|\"[^\"]*\"|'[^']*')+")


def read(text: str) -> Iterator[Entry]:
    """`name value`, `name = value`, `--name value`, `set name=value`, `NAME:value` or a bare name, one a line."""
    for number, raw in enumerate(lines_of(text), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        line = line.removeprefix("set ").lstrip().lstrip("-")
        # Where nothing else parts them, a colon does (lynx).
        parted = _PART.search(line) or re.search(r":", line)
        name = line[: parted.start()] if parted else line
        value = line[parted.end() :].strip().rstrip(";").strip() if parted else ""
        yield Entry((name.rstrip(":;"),), unquoted(value), number)


def read_options(text: str) -> Iterator[Entry]:
    """`-Dname=value`, `--name=value`, `--name value` and bare words, many a line."""
    for number, raw in enumerate(lines_of(text), 1):
        line = raw.strip()
        if line.startswith("#"):
            continue
        words = _WORD.findall(line[:_MAX_LINE])
        for word, following in zip(words, [*words[1:], ""], strict=False):
            name, equals, value = unquoted(word).partition("=")
            name = name.removeprefix("-D").lstrip("-")
            if not equals and not following.startswith("-"):
                value = following
            if name:
                yield Entry((name,), unquoted(value), number)
