"""XML of unknown origin as a tree with lines."""

from __future__ import annotations

from collections.abc import Iterator
from xml.parsers import expat

import msgspec

from detector.errors import ConfigError

MAX_DEPTH = 50
MAX_ELEMENTS = 2_000_000


class Element(msgspec.Struct):
    """An element with its text, without what stands between its children."""

    tag: str
    line: int
    name: str = ""
    text: str = ""
    children: list[Element] = []

    def one(self, *tags: str) -> Element | None:
        """The first element by a path of tags below this one."""
        found: Element | None = self
        for tag in tags:
            found = next((c for c in found.children if c.tag == tag), None) if found else None
        return found

    def all(self, tag: str) -> Iterator[Element]:
        """Elements of that tag below this one, in their order, not looked for in each other."""
        waiting = [*reversed(self.children)]
        while waiting:
            found = waiting.pop()
            if found.tag == tag:
                yield found
            else:
                waiting += reversed(found.children)

    def words(self, *tags: str) -> list[str]:
        """The texts of the members of a list by its path, or its own text."""
        found = self.one(*tags)
        if found is None:
            return []
        members = [c.text for c in found.children if c.tag == "member"]
        return members or ([found.text] if found.text else [])


def parsed(text: str, source: str) -> Element:
    """The root. Raises ConfigError for what is no XML, or has a DTD: there entities could explode."""
    root = Element("", 1)
    stack = [root]
    count = 0
    parser = expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(stack) > MAX_DEPTH:
            raise ConfigError(source, f"elements nested deeper than {MAX_DEPTH}")
        if count > MAX_ELEMENTS:
            raise ConfigError(source, f"more than {MAX_ELEMENTS} elements")
        found = Element(tag, parser.CurrentLineNumber, attributes.get("name", ""))
        stack[-1].children.append(found)
        stack.append(found)

    def data(text: str) -> None:
        stack[-1].text += text

    def end(_: str) -> None:
        found = stack.pop()
        found.text = found.text.strip()

    def doctype(*_: object) -> None:
        raise ConfigError(source, "a document type is not expected here")

    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = data, doctype
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise ConfigError(source, expat.ErrorString(error.code), line=error.lineno) from None
    return root.children[0] if root.children else root
