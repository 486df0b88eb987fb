"""Loading the lines that mend a cause, by program."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec

from detector.errors import ConfigError
from detector.knowledge.causes import cause_table
from detector.knowledge.rows import read_toml
from detector.knowledge.shipped import DATA
from detector.model.causes import Lines

# Whose lines there are, and what people call the program.
PROGRAM_NAMES = {
    "nginx": "nginx", "apache": "Apache", "haproxy": "HAProxy", "caddy": "Caddy",
    "iis": "IIS, Schannel", "java": "Java, Tomcat",
}  # fmt: skip
PROGRAMS = tuple(PROGRAM_NAMES)


class _Lines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    causes: tuple[str, ...]
    nginx: str = ""
    apache: str = ""
    haproxy: str = ""
    caddy: str = ""
    iis: str = ""
    java: str = ""


@lru_cache(maxsize=1)
def config_lines() -> Lines:
    """The shipped table."""
    found = load_fixes(DATA / "fixes.toml")
    unknown = set(found) - set(cause_table())
    if unknown:
        raise ConfigError(str(DATA / "fixes.toml"), f"no such cause: {', '.join(sorted(unknown))}")
    return found


def load_fixes(path: Path) -> dict[str, dict[str, str]]:
    """Lines by cause and program. Raises ConfigError."""
    data, _ = read_toml(path)
    found: dict[str, dict[str, str]] = {}
    for table, row in data.items():
        try:
            lines = msgspec.convert(row, _Lines)
        except msgspec.ValidationError as error:
            raise ConfigError(str(path), f"[{table}]: {error}") from None
        config = {
            program: text.strip() for program in PROGRAMS if (text := getattr(lines, program))
        }
        found.update(dict.fromkeys(lines.causes, config))
    return found
