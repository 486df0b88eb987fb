"""apt.conf(5): `Acquire::https::Verify-Peer "false";`, and the same in nested braces."""

from __future__ import annotations

import re
from collections.abc import Iterator

from detector.stores.formats.entry import Entry

_TOKEN = re.compile(
    r"//[^\n]*|#[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/)?|\"[^\"\n]*\"|[{};]|[^\s{};\"]+"
)


def read(text: str) -> Iterator[Entry]:
    above: list[tuple[str, ...]] = []
    name: tuple[str, ...] = ()
    line, counted = 1, 0
    values: list[str] = []
    for token in _TOKEN.finditer(text[: 1 << 18]):
        word = token[0]
        line += text.count("\n", counted, token.start())
        counted = token.start()
        if word.startswith(("//", "#", "/*")):
            continue
        if word == "{":
            above.append(name)
            name, values = (), []
        elif word in "};":
            if name and values:
                outer = [part for parts in above for part in parts]
                yield Entry((*outer, *name)[:64], values[0], line)
            name, values = (), []
            if word == "}" and above:
                above.pop()
        elif not name and not word.startswith('"'):
            name = tuple(part for part in word.split("::") if part)
        else:
            values.append(word.strip('"'))
