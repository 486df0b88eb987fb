"""Loading the table of causes, each row checked."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from detector.errors import ConfigError
from detector.knowledge.rows import read_toml, row_line, rows_of
from detector.knowledge.shipped import DATA
from detector.model.causes import CauseInfo, CauseTable


@lru_cache(maxsize=1)
def cause_table() -> CauseTable:
    """The shipped table."""
    return load_causes(DATA / "causes.toml")


def load_causes(path: Path) -> CauseTable:
    """One table. Raises ConfigError with file and line for an id that stands twice, and for a row that is left
    out beside a cause that no row has.
    """
    data, text = read_toml(path)
    table = CauseTable(rows_of(path, data, text, "cause", CauseInfo, required=True))
    known: set[str] = set()
    for index, row in enumerate(table.rows):
        line = row_line(text, "cause", index)
        if row.id in known:
            raise ConfigError(str(path), f"{row.id!r} stands twice", line=line)
        known.add(row.id)
        for other in row.beside:
            if other not in table:
                raise ConfigError(str(path), f"{other!r} is no known cause", line=line)
    return table
