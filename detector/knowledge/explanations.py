"""Loading the catalogue of causes and the table of error texts, each row checked."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec

from detector.errors import ConfigError
from detector.explain.table import (
    AlertMeaning,
    CauseInfo,
    ErrorTable,
    ErrorText,
    Likelihood,
    Meaning,
    Side,
)
from detector.knowledge.rows import load_rows, read_toml, row_line, rows_of
from detector.knowledge.shipped import DATA


class _Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    source: str
    rows: str
    side: Side | None = None


class _Alert(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: int
    client: str
    server: str


@lru_cache(maxsize=1)
def error_table() -> ErrorTable:
    """The shipped tables."""
    return load_error_table(
        DATA / "causes.toml", DATA / "error_texts.toml", DATA / "library_errors.toml"
    )


def load_error_table(causes: Path, *texts: Path) -> ErrorTable:
    """One table of causes, and tables of texts. Raises ConfigError with file and line for a row that names no known cause, or says nothing."""
    known = {cause.id: cause for cause in load_rows(causes, "cause", CauseInfo)}
    found: list[ErrorText] = []
    alerts: dict[int, AlertMeaning] = {}
    for path in texts:
        data, text = read_toml(path)
        for index, family in enumerate(rows_of(path, data, text, "family", _Family, required=True)):
            line = row_line(text, "family", index)
            rows = family.rows.strip().splitlines()
            found += [_row(path, line, family, row, known) for row in rows]
        for index, alert in enumerate(rows_of(path, data, text, "alert", _Alert)):
            line = row_line(text, "alert", index)
            alerts[alert.code] = AlertMeaning(
                alert.code,
                _meanings(path, line, alert.client, known),
                _meanings(path, line, alert.server, known),
            )
    return ErrorTable(known, tuple(found), alerts)


def _row(
    path: Path, line: int | None, family: _Family, row: str, known: dict[str, CauseInfo]
) -> ErrorText:
    parts = [part.strip() for part in row.split("|")]
    if len(parts) != 4 or not (parts[1] or parts[2]):
        raise ConfigError(str(path), f"{family.name}: {row!r} is no row", line=line)
    code, name, words, causes = parts
    meanings = _meanings(path, line, causes, known)
    return ErrorText(family.name, code, name, words, meanings, family.side)


def _meanings(
    path: Path, line: int | None, text: str, known: dict[str, CauseInfo]
) -> tuple[Meaning, ...]:
    found: list[Meaning] = []
    for part in text.split(","):
        cause = part.strip().lstrip("?")
        marks = part.strip().count("?")
        if cause not in known:
            raise ConfigError(str(path), f"{cause!r} is no known cause", line=line)
        likelihood: Likelihood = ("likely", "possible", "unlikely")[min(marks, 2)]
        found.append(Meaning(cause, likelihood))
    return tuple(found)
