"""Loading the table of what interceptors are graded by, each row checked."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from detector.errors import ConfigError
from detector.knowledge.rows import read_toml, row_line, rows_of
from detector.knowledge.shipped import DATA
from detector.model.grades import GradeTest, GradeTests


@lru_cache(maxsize=1)
def grade_tests() -> GradeTests:
    """The shipped table."""
    return load_grade_tests(DATA / "grade_tests.toml")


def load_grade_tests(path: Path) -> GradeTests:
    """One table. Raises ConfigError with file and line for an id that stands twice."""
    data, text = read_toml(path)
    table = GradeTests(rows_of(path, data, text, "test", GradeTest, required=True))
    known: set[str] = set()
    for index, row in enumerate(table):
        if row.id in known:
            line = row_line(text, "test", index)
            raise ConfigError(str(path), f"{row.id!r} stands twice", line=line)
        known.add(row.id)
    return table
