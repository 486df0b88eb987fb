"""The two files of a grading: whom to ask, and what was seen."""

from __future__ import annotations

from pathlib import Path

import msgspec

from detector.bounded import read_whole
from detector.errors import ConfigError
from detector.model.grades import GRADES_SCHEMA, SERVERS_SCHEMA, GradeServers, Seen
from detector.model.no_json import NO_JSON

_MAX_FILE = 32 << 20


def servers_of(path: Path) -> GradeServers:
    """What `tlsight lab serve --grade` wrote. Raises ConfigError."""
    return read_servers(_whole(path), str(path))


def seen_of(path: Path) -> Seen:
    """What `tlsight grade --save` wrote. Raises ConfigError."""
    return read_seen(_whole(path), str(path))


def read_servers(data: bytes, where: str = "servers") -> GradeServers:
    """Raises ConfigError, which names `where`."""
    return _read(data, where, GradeServers, SERVERS_SCHEMA)


def read_seen(data: bytes, where: str = "what was seen") -> Seen:
    """Raises ConfigError, which names `where`."""
    return _read(data, where, Seen, GRADES_SCHEMA)


class _Marked(msgspec.Struct):
    schema: str


def _read[T](data: bytes, where: str, kind: type[T], schema: str) -> T:
    """The schema first: what a later one holds may be no value of this kind."""
    try:
        found = msgspec.json.decode(data, type=_Marked).schema
        if found != schema:
            remedy = f"this tlsight reads {schema}"
            raise ConfigError(where, f"is of another kind: {found[:40]!r}", remedy=remedy)
        return msgspec.json.decode(data, type=kind)
    except NO_JSON as error:
        raise ConfigError(where, f"cannot be read: {error}", remedy=f"{schema} is wanted") from None


def _whole(path: Path) -> bytes:
    try:
        return read_whole(path, _MAX_FILE)
    except OSError as error:
        raise ConfigError(str(path), error.strerror or str(error)) from None
