"""The words of Squid's files: comments, quotes, and lines that go on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

MAX_LINES = 2_000_000
_WORD = re.compile(r'"(?P<double>(?:[^"\\]|\\.)*)"|\'(?P<single>(?:[^\'\\]|\\.)*)\'|(?P<bare>\S+)')


class Word(NamedTuple):
    text: str
    line: int
    file: str
    quoted: bool = False


def logical_lines(text: str, file: str) -> Iterator[list[Word]]:
    """Lines as words, none of them empty; a backslash at the end of one takes the next one in."""
    gathered: list[Word] = []
    for number, line in enumerate(text.splitlines(), 1):
        if number > MAX_LINES:
            break
        goes_on = line.endswith("\\")
        gathered += _words(line[:-1] if goes_on else line, number, file)
        if not goes_on and gathered:
            yield gathered
            gathered = []
    if gathered:
        yield gathered


def _words(line: str, number: int, file: str) -> Iterator[Word]:
    for found in _WORD.finditer(line):
        if found["bare"] is not None:
            if found["bare"].startswith("#"):
                return
            yield Word(found["bare"], number, file)
        else:
            inside = found["double"] if found["double"] is not None else found["single"]
            yield Word(re.sub(r"\\(.)", r"\1", inside), number, file, quoted=True)
