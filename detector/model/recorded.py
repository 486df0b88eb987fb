"""Results that can be had as the objects that the command prints with --json.

The records are built in `detector.report`, above the values: each kind of value is told there how its record is
made (`recorded_by`), and that room is looked up by name, once, when the first record is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import msgspec

_RECORDS = "detector.report.records"
_MAKERS: dict[type, Callable[[Any], Any]] = {}


class Recorded:
    """A value with a record: one object, or several in order."""

    __slots__ = ()

    def to_dict(self) -> Any:
        """JSON-ready values as the schema in docs/reference says; a list where there are several objects."""
        return msgspec.to_builtins(_record(self))

    def to_json(self) -> str:
        """What the command prints with --json, an object a line, without the last line's end."""
        record = _record(self)
        several = record if isinstance(record, list) else [record]
        return "\n".join(msgspec.json.encode(one).decode() for one in several)


def recorded_by[T](kind: type[T], make: Callable[[T], Any]) -> None:
    """Tell how the record of a kind of value is made."""
    _MAKERS[kind] = make


def _record(value: object) -> Any:
    if type(value) not in _MAKERS:
        import_module(_RECORDS)
    return _MAKERS[type(value)](value)
