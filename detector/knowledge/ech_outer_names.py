"""Loading the names that hellos show in place of others, each row checked."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from detector.knowledge.rows import load_rows
from detector.knowledge.shipped import DATA


class OuterName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A public name of Encrypted Client Hello, and who shows it."""

    name: str
    operator: str
    source: str


@lru_cache(maxsize=1)
def ech_outer_names() -> frozenset[str]:
    """The shipped names."""
    rows = load_rows(DATA / "ech_outer_names.toml", "name", OuterName)
    return frozenset(row.name for row in rows)
