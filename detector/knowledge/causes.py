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
        why = _why_wrong(row, known, table)
        if (
            why is not None
        ):  # the line is looked for here alone: to find it takes longer than to check the row
            raise ConfigError(str(path), why, line=row_line(text, "cause", index))
        known.add(row.id)
    return table


def _why_wrong(row: CauseInfo, known: set[str], table: CauseTable) -> str | None:
    if row.id in known:
        return f"{row.id!r} stands twice"
    missing = next((other for other in row.beside if other not in table), None)
    return f"{missing!r} is no known cause" if missing is not None else None
