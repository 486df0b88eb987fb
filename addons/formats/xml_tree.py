"""XML of unknown origin as a small tree, with lines; no document type, no deep nests."""

from __future__ import annotations

from collections.abc import Iterator
from xml.parsers import expat

from detector.errors import ConfigError

MAX_DEPTH = 50
MAX_NODES = 2_000_000


class Node:
    """An element."""

    __slots__ = ("children", "line", "tag", "text")

    def __init__(self, tag: str, line: int) -> None:
        self.tag, self.line, self.text = tag, line, ""
        self.children: list[Node] = []

    def first(self, tag: str) -> str:
        """The text of the first child of that name, in any case; "" where there is none."""
        wanted = tag.lower()
        return next((one.text for one in self.children if one.tag.lower() == wanted), "")

    def below(self, *tags: str) -> Iterator[Node]:
        """Elements of these names at any depth, in their order."""
        wanted = {tag.lower() for tag in tags}
        waiting = [*reversed(self.children)]
        while waiting:
            node = waiting.pop()
            if node.tag.lower() in wanted:
                yield node
            waiting += reversed(node.children)


def tree(text: str, source: str) -> Node:
    """The root. Raises ConfigError for what is no XML, or has a DTD: there entities could explode."""
    root = Node("", 0)
    stack = [root]
    count = 0
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def start(tag: str, _: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(stack) > MAX_DEPTH or count > MAX_NODES:
            raise ConfigError(source, f"elements nested deeper than {MAX_DEPTH}, or too many")
        node = Node(tag, parser.CurrentLineNumber)
        stack[-1].children.append(node)
        stack.append(node)

    def data(text: str) -> None:
        stack[-1].text += text

    def end(_: str) -> None:
        node = stack.pop()
        node.text = node.text.strip()

    def doctype(*_: object) -> None:
        raise ConfigError(source, "a document type is not expected here")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = data, doctype
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise ConfigError(source, expat.ErrorString(error.code), line=error.lineno) from None
    return root
