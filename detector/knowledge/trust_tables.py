"""Tables of the trust audit: roots of the public programs, and which setting redirects which tool."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from detector.auditing.model import Tool
from detector.errors import ConfigError
from detector.knowledge.rows import load_rows
from detector.knowledge.shipped import DATA


@lru_cache(maxsize=1)
def public_roots() -> dict[str, str]:
    """Names of the roots that a public program has or had, by SHA-256 of the certificate."""
    path = DATA / "public_roots.toml"
    rows = load_rows(path, "program", _Program)
    found = {digest: name for row in reversed(rows) for digest, name in row.roots.items()}
    for digest in found:
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise ConfigError(str(path), f"{digest!r} is not 64 lower-case hex digits")
    return found


@lru_cache(maxsize=1)
def trust_tools() -> tuple[Tool, ...]:
    """Which settings redirect which tool's trust."""
    return tuple(load_rows(DATA / "trust_tools.toml", "tool", Tool))


class _Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    roots: dict[str, str]
