"""What is asked over plain HTTP to learn whether a portal answers in everybody's place, as rows of a table."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from detector.knowledge.rows import load_rows

_TABLE = Path(__file__).parents[1] / "data" / "connectivity.toml"


class Connectivity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question and its answer.

    Attributes:
        url: http://, nothing else: a portal can answer for no https:// one.
        owner: who answers; two rows of one owner are one opinion.
        status: HTTP's.
        body: what the answer holds, without white space at both ends.
        source: which system asks so.

    """

    url: str
    owner: str
    status: int = 204
    body: str = ""
    source: str = ""


@cache
def connectivity_checks() -> tuple[Connectivity, ...]:
    """All rows. Raises ConfigError."""
    return tuple(load_rows(_TABLE, "connectivity", Connectivity))
