"""YAML by its events, so that neither depth nor aliases cost more than the text is long."""

from __future__ import annotations

from collections.abc import Iterator

from detector.stores.formats.entry import Entry

_MAX_TEXT = 256 << 10
_MAX_DEPTH = 64


def read(text: str) -> Iterator[Entry]:
    """Texts as they stand; each of a list under the list's own name. Names lose a colon before them (Ruby)."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.events import (
        AliasEvent,
        MappingEndEvent,
        MappingStartEvent,
        ScalarEvent,
        SequenceEndEvent,
        SequenceStartEvent,
    )

    # What is open: whether it is a mapping, and the name it has.
    opened: list[bool] = []
    names: list[str] = []
    name = ""
    expects_name = False
    try:
        for event in YAML(typ="safe", pure=True).parse(text[:_MAX_TEXT]):
            if isinstance(event, MappingStartEvent | SequenceStartEvent):
                opened.append(isinstance(event, MappingStartEvent))
                names.append(name)
                if len(opened) > _MAX_DEPTH:
                    return
                name, expects_name = "", opened[-1]
            elif isinstance(event, MappingEndEvent | SequenceEndEvent):
                opened.pop()
                names.pop()
                name, expects_name = "", bool(opened) and opened[-1]
            elif isinstance(event, ScalarEvent | AliasEvent):
                value = getattr(event, "value", "") or ""
                if expects_name:
                    name, expects_name = value.lstrip(":"), False
                    continue
                if isinstance(event, ScalarEvent):
                    path = tuple(part for part in (*names, name) if part)
                    yield Entry(path, value, event.start_mark.line + 1)
                if opened and opened[-1]:
                    name, expects_name = "", True
    except (YAMLError, ValueError, RecursionError, AttributeError, TypeError):
        return
