"""Loading the table of error texts, each row checked."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import msgspec

from detector.errors import ConfigError
from detector.knowledge.alert_spellings import alert_spellings
from detector.knowledge.causes import cause_table
from detector.knowledge.programs import programs
from detector.knowledge.rows import load_rows, read_toml, row_line, rows_of
from detector.knowledge.shipped import DATA
from detector.known.knowledge import Product
from detector.messages.table import CodePattern, ErrorTable, ErrorText, Signal, Speaker, Weights
from detector.model.alerts import LIKELIHOODS, Meaning, Side
from detector.model.causes import CauseTable


class _Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    source: str
    rows: str
    side: Side | None = None
    codes: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def error_table() -> ErrorTable:
    """The shipped tables."""
    return load_error_table(
        cause_table(),
        DATA / "error_texts.toml",
        DATA / "library_errors.toml",
        *sorted((DATA / "messages").glob("*.toml")),
    )


def load_error_table(causes: CauseTable, *texts: Path) -> ErrorTable:
    """Tables of texts over known causes, with the shipped rows of speakers, programs and signals.

    Raises ConfigError with file and line for a row that names no known cause, or says nothing.
    """
    meanings = _Meanings(causes)
    found: list[ErrorText] = []
    codes: list[CodePattern] = []
    for path in texts:
        data, text = read_toml(path)
        for index, family in enumerate(rows_of(path, data, text, "family", _Family, required=True)):
            try:
                found += [
                    _row(family, row, meanings) for row in family.rows.strip("\n").splitlines()
                ]
                codes += [_code_pattern(family.name, each) for each in family.codes]
            except ValueError as error:
                line = row_line(text, "family", index)
                raise ConfigError(str(path), str(error), line=line) from None
    signals, weights = load_signals(DATA / "signals.toml", causes)
    return ErrorTable(
        causes,
        tuple(found),
        codes=tuple(codes),
        spellings=alert_spellings(),
        speakers=tuple(load_rows(DATA / "speakers.toml", "speaker", Speaker)),
        signals=signals,
        weights=weights,
        programs=programs(),
        products=tuple(load_rows(DATA / "products.toml", "product", Product)),
        public_hosts=frozenset(read_toml(DATA / "public_hosts.toml")[0]["hosts"]),
    )


def load_signals(path: Path, causes: CauseTable) -> tuple[tuple[Signal, ...], Weights]:
    """Signals and the model's other numbers. Raises ConfigError for a cause or a signal that nobody knows."""
    data, text = read_toml(path)
    rows = rows_of(path, data, text, "signal", Signal, required=True)
    known = {row.id for row in rows}
    for index, row in enumerate(rows):
        strange = [name for name in row.weights if name not in causes]
        strange += [name for name in (*row.needs, *row.lacks) if name not in known]
        if strange:
            raise ConfigError(
                str(path),
                f"{row.id}: {strange[0]!r} is unknown",
                line=row_line(text, "signal", index),
            )
    try:
        return tuple(rows), msgspec.convert(data.get("weights"), Weights)
    except msgspec.ValidationError as error:
        raise ConfigError(str(path), f"[weights]: {error}") from None


def _code_pattern(family: str, expression: str) -> CodePattern:
    try:
        groups = re.compile(expression).groups
    except re.error as error:
        raise ValueError(f"{family}: {expression!r}: {error}") from None
    if groups != 1:
        raise ValueError(f"{family}: {expression!r} has not one group")
    return CodePattern(family, expression)


def _row(family: _Family, row: str, meanings: _Meanings) -> ErrorText:
    parts = row.split(" | ")
    if len(parts) != 4:
        parts = [part.strip() for part in row.split("|")]
    if len(parts) != 4 or not any(parts[:3]):
        raise ValueError(f"{family.name}: {row!r} is no row")
    code, name, words, causes = parts
    return ErrorText(family.name, code, name, words, meanings[causes], family.side)


class _Meanings(dict[str, tuple[Meaning, ...]]):
    """What a column of causes says; thousands of rows share some dozens of columns."""

    def __init__(self, known: CauseTable) -> None:
        super().__init__()
        self._known = known

    def __missing__(self, column: str) -> tuple[Meaning, ...]:
        self[column] = found = tuple(self._meaning(part.strip()) for part in column.split(","))
        return found

    def _meaning(self, text: str) -> Meaning:
        cause = text.lstrip("?")
        if cause not in self._known:
            raise ValueError(f"{cause!r} is no known cause")
        return Meaning(cause, LIKELIHOODS[min(text.count("?"), 2)])
