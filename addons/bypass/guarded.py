"""The names that rules must be careful with, loaded once: safety.py says why, for each kind."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from addons.bypass.outer import outer_names
from addons.bypass.safety import Guarded


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    names: list[str]


@cache
def guarded() -> Guarded:
    """All that are known."""
    from detector.knowledge.rows import load_rows
    from detector.knowledge.shipped import canaries

    path = Path(__file__).parents[1] / "data" / "shared_names.toml"
    shared = {name: row.kind for row in load_rows(path, "shared", _Row) for name in row.names}
    return Guarded(outer_names(), canaries(), shared)
