"""The hosts that canaries are drawn from: the shipped ones, or a fleet's own; and those that say nothing here.

A host that the gateway passes by a bypass rule is not decrypted, so it says nothing as a canary. The fleet's bypass
list is read for that alone, and generously: what is not understood passes over nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from detector.errors import ConfigError, TargetError
from detector.knowledge import shipped
from detector.knowledge.rows import parse_toml, rows_of
from detector.known.canaries import CanaryHost
from detector.model.no_json import NO_JSON
from detector.model.targets import normal_host

_MAX_LIST = 4 << 20
_MAX_ROWS = 20_000
_LINE = re.compile(r"(?:\*\.|\.)?[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,20}")


class Canaries:
    """What is drawn from."""

    def __init__(self) -> None:
        self._own: tuple[CanaryHost, ...] | None = None
        self._exact: frozenset[str] = frozenset()
        self._below: tuple[str, ...] = ()

    def rows(self) -> tuple[CanaryHost, ...]:
        """All, in the list's order."""
        return self._own if self._own is not None else shipped.canary_hosts()

    def passed(self, host: str) -> bool:
        """Whether a bypass rule passes it."""
        return host in self._exact or host.endswith(self._below or ("\0",))

    def replace(self, content: bytes) -> None:
        """A fleet's own list: TOML, [[canary]] with host and owner. Raises ConfigError; then all stays as it is."""
        self._own = read_canaries(content)

    def pass_over(self, content: bytes) -> None:
        """A fleet's bypass list: rules as JSON, or one host a line."""
        patterns = {pattern.casefold() for pattern in patterns_of(content)}
        below = {pattern.lstrip("*") for pattern in patterns if pattern.startswith(("*.", "."))}
        self._exact = frozenset(patterns - {p for p in patterns if p.startswith(("*", "."))})
        self._below = tuple(sorted(below))


def read_canaries(content: bytes) -> tuple[CanaryHost, ...]:
    """Rows of a list. Raises ConfigError."""
    where = "the fleet's canaries"
    if len(content) > _MAX_LIST:
        raise ConfigError(where, "larger than 4 MiB")
    data, text = parse_toml(where, content)
    rows = rows_of(Path(where), data, text, "canary", CanaryHost, required=True)
    if not 0 < len(rows) <= _MAX_ROWS:
        raise ConfigError(where, f"has not between one and {_MAX_ROWS} rows")
    for row in rows:
        try:
            normal = normal_host(row.host)
        except TargetError as error:
            raise ConfigError(where, str(error)) from None
        if normal != row.host or "." not in normal or not row.owner:
            raise ConfigError(where, f"{row.host!r} is no full name with an owner")
    return tuple(rows)


def patterns_of(content: bytes) -> Iterator[str]:
    """Host patterns of a bypass list."""
    try:
        yield from _of_values(msgspec.json.decode(content))
        return
    except NO_JSON:
        pass
    for line in content.decode("utf-8", "replace").splitlines()[: _MAX_ROWS * 10]:
        text = line.partition("#")[0].strip()
        if _LINE.fullmatch(text):
            yield text


def _of_values(value: Any) -> Iterator[str]:
    """Of rules however they are packed: objects with a pattern, in lists, in objects of one more layer."""
    rows = value if isinstance(value, list) else [value]
    if isinstance(value, dict):
        rows = [
            value,
            *(one for lists in value.values() if isinstance(lists, list) for one in lists),
        ]
    for row in rows:
        inner = row.get("row", row) if isinstance(row, dict) else row
        pattern = inner.get("pattern") if isinstance(inner, dict) else inner
        if isinstance(pattern, str) and _LINE.fullmatch(pattern):
            yield pattern
