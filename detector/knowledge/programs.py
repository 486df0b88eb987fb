"""Loading what is known of programs: data/programs/, one file a kind."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from detector.errors import ConfigError
from detector.knowledge.causes import cause_table
from detector.knowledge.rows import load_rows
from detector.knowledge.shipped import DATA
from detector.model.programs import Program

FOLDER = DATA / "programs"


@lru_cache(maxsize=1)
def programs() -> dict[str, Program]:
    """The shipped rows by id, in the order of their files' names."""
    return load_programs(*sorted(FOLDER.glob("*.toml")))


def load_programs(*paths: Path) -> dict[str, Program]:
    """Rows by id. Raises ConfigError for an id that comes twice, a cause or program that is unknown, a bad expression."""
    found: dict[str, Program] = {}
    causes = cause_table()
    for path in paths:
        for row in load_rows(path, "program", Program):
            if row.id in found:
                raise ConfigError(str(path), f"program {row.id!r} comes twice")
            for cause in (name for fix in row.fix for name in fix.causes):
                if cause not in causes:
                    raise ConfigError(str(path), f"{row.id}: {cause!r} is no known cause")
            for fix in row.fix:
                if sum(map(bool, (fix.sets, fix.command, fix.file))) != 1:
                    raise ConfigError(str(path), f"{row.id}: a fix has one of sets, command, file")
            keys = {setting.key for setting in row.setting}
            for needed in (setting.needs for setting in row.setting):
                if needed and needed not in keys:
                    raise ConfigError(
                        str(path), f"{row.id}: needs {needed!r}, which is no setting of it"
                    )
            for expression in (*(s.when for s in row.setting), *(u.when for u in row.unsafe)):
                try:
                    re.compile(expression)
                except re.error as error:
                    raise ConfigError(str(path), f"{row.id}: {expression!r}: {error}") from None
            found[row.id] = row
    for row in found.values():
        if row.under and row.under not in found:
            raise ConfigError("programs", f"{row.id}: no program {row.under!r} to be under")
    return found
