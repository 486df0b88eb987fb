"""TOML: values by the parser, lines by a look at the text. A broken file is read line by line."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from detector.errors import ConfigError
from detector.knowledge.rows import parse_toml
from detector.stores.formats import ini
from detector.stores.formats.entry import Entry, lines_of

_HEADER = re.compile(r"\s*\[\[?([^\[\]]+)\]")
_KEY = re.compile(
    r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*="
)
_PART = re.compile(r"\"([^\"]*)\"|'([^']*)'|([\w-]+)")
_MAX_DEPTH = 64


def read(text: str) -> Iterator[Entry]:
    try:
        table, _ = parse_toml(Path(), text.encode("utf-8", errors="replace"))
    except ConfigError:
        yield from ini.read(text)
        return
    lines = _lines(text)
    seen: dict[tuple[str, ...], int] = defaultdict(int)
    waiting: list[tuple[tuple[str, ...], Any, int]] = [((), table, 0)]
    while waiting:
        path, value, line = waiting.pop()
        if isinstance(value, dict):
            below = []
            for name, inner in value.items():
                known = lines.get((*path, name), ())
                place = min(seen[*path, name], len(known) - 1)
                seen[*path, name] += 1
                below.append(((*path, name), inner, known[place] if known else line))
            if len(path) < _MAX_DEPTH:
                waiting += reversed(below)
        elif isinstance(value, list):
            waiting += [(path, inner, line) for inner in reversed(value)]
        else:
            said = str(value).lower() if isinstance(value, bool) else str(value)
            yield Entry(path, said, line)


def _lines(text: str) -> dict[tuple[str, ...], list[int]]:
    """Where each name is given a value, in order; a name of an array of tables is there many times."""
    found: dict[tuple[str, ...], list[int]] = defaultdict(list)
    table: tuple[str, ...] = ()
    for number, line in enumerate(lines_of(text), 1):
        header = _HEADER.match(line)
        if header is not None:
            table = _parts(header[1])
            found[table].append(number)
            continue
        key = _KEY.match(line)
        if key is not None:
            found[*table, *_parts(key[1])].append(number)
    return found


def _parts(text: str) -> tuple[str, ...]:
    return tuple(double or single or bare for double, single, bare in _PART.findall(text))
