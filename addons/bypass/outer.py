"""Names that hide others: what a ClientHello with ECH shows instead of where it goes.

A pass rule for one of them passes everything behind that front, unseen. Source: addons/data/outer_names.toml.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    source: str


def is_outer(name: str) -> bool:
    """Whether a name, as rules write it, is known to hide others."""
    return name in outer_names()


@cache
def outer_names() -> frozenset[str]:
    """All that are known."""
    from detector.knowledge.rows import load_rows

    path = Path(__file__).parents[1] / "data" / "outer_names.toml"
    return frozenset(row.name for row in load_rows(path, "outer", _Row))
