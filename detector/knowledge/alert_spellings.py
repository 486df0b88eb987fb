"""How libraries spell the alerts of TLS, each checked against the table of alerts."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec

from detector.errors import ConfigError
from detector.knowledge.rows import load_rows
from detector.knowledge.shipped import DATA
from detector.messages.alerts import folded_spelling
from detector.model.alerts import NAMES


class _Library(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    source: str
    rows: str


@lru_cache(maxsize=1)
def alert_spellings() -> dict[str, int]:
    """The shipped table: numbers by `folded_spelling`."""
    return load_alert_spellings(DATA / "alert_spellings.toml")


def load_alert_spellings(path: Path) -> dict[str, int]:
    """Raises ConfigError for a row without a known alert, and for a spelling of two."""
    found: dict[str, int] = {}
    for library in load_rows(path, "library", _Library):
        for row in library.rows.strip().splitlines():
            number, _, spelling = row.partition(" | ")
            if not number.isdigit() or int(number) not in NAMES or not spelling.strip():
                raise ConfigError(str(path), f"{library.name}: {row!r} is no known alert")
            if found.setdefault(folded_spelling(spelling), int(number)) != int(number):
                raise ConfigError(str(path), f"{library.name}: {spelling!r} is another's too")
    return found
