"""XML by its elements: Maven, NuGet, JetBrains, Android. A document that declares entities is not read.

An element is called by its attribute `name` or `key`, else by its tag; it says its attribute `value`, else its text;
every other attribute is an entry below it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from xml.parsers import expat

from detector.stores.formats.entry import Entry

_MAX_DEPTH = 64
_MAX_ENTRIES = 20_000


class _Refused(Exception):  # noqa: N818 (never leaves this file)
    pass


def read(text: str) -> Iterator[Entry]:
    found: list[Entry] = []
    path: list[str] = []
    said: list[list[str]] = []
    lines: list[int] = []
    parser = expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(path) >= _MAX_DEPTH or len(found) >= _MAX_ENTRIES:
            raise _Refused
        path.append(attributes.get("name") or attributes.get("key") or tag)
        said.append([])
        lines.append(parser.CurrentLineNumber)
        for name, value in attributes.items():
            if name not in ("name", "key"):
                below = () if name == "value" else (name,)
                found.append(Entry((*path, *below), value, lines[-1]))

    def end(_: str) -> None:
        value = "".join(said.pop()).strip()
        if value:
            found.append(Entry(tuple(path), value, lines[-1]))
        path.pop()
        lines.pop()

    def words(data: str) -> None:
        if said:
            said[-1].append(data)

    def refuse(*_: object) -> None:
        raise _Refused

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = words
    parser.EntityDeclHandler = refuse
    with suppress(expat.ExpatError, _Refused, ValueError):
        parser.Parse(text.encode("utf-8", errors="replace"), True)
    yield from found
