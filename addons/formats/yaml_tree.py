"""YAML of unknown origin as a tree with lines, by its events: neither depth nor aliases cost more than the text.

An alias is the very node that it names, so a tree may be a graph; who walks it counts. JSON is read alike.

Long lists are mostly one entry a line below a key, which the parser takes a fifth of a millisecond each for. Such a
document, and no other, is read line by line: it means the same (tests/addons/test_yaml_tree.py).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator

import msgspec

from detector.errors import ConfigError

MAX_TEXT = 4 << 20
MAX_LIST = 16 << 20
MAX_NODES = 1_000_000
MAX_DEPTH = 64
_NOTE = r"(?:[ ]++#[ -~\u00a1-\u1fff]*+)?"
_KEY_LINE = re.compile(rf"(?P<key>[a-z]\w*+):[ ]*+{_NOTE}", re.ASCII)
_ENTRY_LINE = re.compile(
    rf"""(?P<indent>[ ]*+)-[ ](?:'(?P<single>(?:[ -&(-~]|'')*+)'|"(?P<double>[ !#-\[\]-~]*+)\""""
    rf"""|(?P<plain>[A-Za-z0-9^(][\w.\\^$()?+*|-]*+)){_NOTE}""",
    re.ASCII,
)
_NO_LINE = re.compile(r"[ ]*+(?:#[ -~\u00a1-\u1fff]*+)?")


class Node(msgspec.Struct):
    """A scalar, a list or a mapping.

    Attributes:
        text: of a scalar.
        items: of a list.
        pairs: of a mapping, keys in their order; those that are no scalars are left out.
        plain: a scalar without quotes, which may be null.
        line: from 1.

    """

    line: int
    text: str | None = None
    items: list[Node] | None = None
    pairs: dict[str, Node] | None = None
    plain: bool = False

    @property
    def is_null(self) -> bool:
        """Whether nothing is said."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")

    def at(self, name: str) -> Node | None:
        """A value of a mapping."""
        return (self.pairs or {}).get(name)


def parsed(text: str, source: str) -> Node | None:
    """The one document; None where there is none. Raises ConfigError for what is no YAML, or beyond the bounds."""
    lists = _lists(text) if len(text) <= MAX_LIST else None
    return lists if lists is not None else by_events(text, source)


def by_events(text: str, source: str) -> Node | None:
    """As `parsed`, of any document."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text) > MAX_TEXT:
        raise ConfigError(source, f"larger than {MAX_TEXT >> 20} MiB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _document(YAML(typ="safe", pure=True).parse(text), source)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = str(error.problem or error.context or "no YAML")
        remedy = "in single quotes a backslash is one" if "escape" in why else ""
        line = mark.line + 1 if mark else None
        raise ConfigError(source, why, line=line, remedy=remedy) from None
    except (YAMLError, ValueError, AttributeError, TypeError, IndexError, KeyError) as error:
        raise ConfigError(source, f"no YAML: {str(error)[:200]}") from None


def walked(node: Node, most: int = MAX_NODES) -> Iterator[Node]:
    """A node and all below it, each once."""
    seen: set[int] = set()
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or len(seen) > most:
            continue
        seen.add(id(one))
        yield one
        below = [*(one.items or ()), *(one.pairs or {}).values()]
        waiting += reversed(below)


def _lists(text: str) -> Node | None:
    """Lists of scalars below keys, each entry in a line of its own; None for any other document."""
    root: Node | None = None
    entries: list[Node] = []
    indent = ""
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        if (entry := _ENTRY_LINE.fullmatch(line)) is not None and root is not None:
            if not entries:
                indent = entry["indent"]
            if entry["indent"] != indent:
                return None
            single, plain = entry["single"], entry["plain"]
            quoted = single.replace("''", "'") if single is not None else entry["double"]
            value = plain if plain is not None else quoted
            entries.append(Node(number, value, plain=plain is not None))
        elif (key := _KEY_LINE.fullmatch(line)) is not None:
            if root is None:
                root = Node(number, pairs={})
            elif not entries:
                return None
            assert root.pairs is not None
            if key["key"] in root.pairs:
                return None
            entries = []
            root.pairs[key["key"]] = Node(number, items=entries)
        elif _NO_LINE.fullmatch(line) is None:
            return None
        if len(entries) == 1 and root is not None and root.pairs:
            next(reversed(root.pairs.values())).line = entries[0].line
    return root if entries else None


def _document(events: object, source: str) -> Node | None:
    from ruamel.yaml.events import (
        AliasEvent,
        DocumentStartEvent,
        MappingEndEvent,
        MappingStartEvent,
        ScalarEvent,
        SequenceEndEvent,
        SequenceStartEvent,
    )

    root: Node | None = None
    opened: list[Node] = []
    keys: list[str | None] = []  # of each open node: the key that waits for its value
    anchors: dict[str, Node] = {}
    count = documents = 0
    for event in events:  # type: ignore[attr-defined]
        line = event.start_mark.line + 1
        if isinstance(event, DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise ConfigError(source, "several documents in one file", line=line)
            continue
        if isinstance(event, MappingEndEvent | SequenceEndEvent):
            opened.pop()
            keys.pop()
            continue
        if isinstance(event, AliasEvent):
            if event.anchor not in anchors:
                raise ConfigError(source, f"nothing is called *{event.anchor}", line=line)
            node = anchors[event.anchor]
        elif isinstance(event, ScalarEvent):
            node = Node(
                line, text=event.value, plain=event.style is None and event.value is not None
            )
        elif isinstance(event, SequenceStartEvent):
            node = Node(line, items=[])
        elif isinstance(event, MappingStartEvent):
            node = Node(line, pairs={})
        else:
            continue
        count += 1
        if count > MAX_NODES or len(opened) > MAX_DEPTH:
            raise ConfigError(source, "too deep, or too much of it", line=line)
        if not isinstance(event, AliasEvent) and event.anchor:
            anchors[event.anchor] = node
        if not opened:
            root = node
        elif opened[-1].items is not None:
            opened[-1].items.append(node)
        elif keys[-1] is None:
            # A key that is no scalar has a value, too, which nothing asks for.
            keys[-1] = node.text if node.text is not None else f"\0{count}"
        else:
            _put(opened[-1], keys[-1], node, source)
            keys[-1] = None
        if isinstance(event, SequenceStartEvent | MappingStartEvent):
            opened.append(node)
            keys.append(None)
    return root


def _put(mapping: Node, key: str, value: Node, source: str) -> None:
    assert mapping.pairs is not None
    if key == "<<":
        for one in [value, *(value.items or ())]:
            for name, inherited in (one.pairs or {}).items():
                mapping.pairs.setdefault(name, inherited)
        return
    # What was merged in stands elsewhere, further up, and may be said otherwise here.
    if key in mapping.pairs and mapping.pairs[key].line >= mapping.line:
        raise ConfigError(source, f"{key!r} is there twice", line=value.line)
    mapping.pairs[key] = value
