"""TOML tables of rows, checked against a type, with file and line in every complaint."""

from __future__ import annotations

import re
import threading
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from detector.bounded import read_bounded
from detector.errors import ConfigError

MAX_FILE = 16 << 20
# tomllib takes time and memory by the square of a key's parts (a.b.c): 100 KB were 4 s.
_MAX_PARTS = 64
_LONG_KEY = re.compile(
    r"""(?:(?<![\w-])[\w-]++|"[^"\n]*+"|'[^'\n]*+')(?:[ \t]*+\.[ \t]*+(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')){64}"""
)
# And a hundred bytes for each digit of a number. Digits inside a text that are so many are no name or key.
_MAX_DIGITS = 400
_LONG_NUMBER = re.compile(r"""[0-9_]{400}|(?<![\w"'])0x[0-9A-Fa-f_]{400}""")
# A file of a later version says things that this one does not know; so does a misspelt one.
UNKNOWN = "check the spelling, or update tlsight"

# msgspec learns a type at its first use, which two threads at once do not survive.
_ONE_AT_A_TIME = threading.Lock()


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """The parsed file and its text. Raises ConfigError, one line, with the line number if known."""
    try:
        data = read_bounded(path, MAX_FILE + 1)
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(str(path), why, remedy="check the path and its permissions") from None
    return parse_toml(path, data)


def parse_toml(path: Path | str, data: bytes) -> tuple[dict[str, Any], str]:
    """As `read_toml`, where the bytes of `path` are at hand."""
    if len(data) > MAX_FILE:
        raise ConfigError(str(path), f"larger than {MAX_FILE >> 20} MiB")
    try:
        text = data.decode("utf-8")
        _refuse_costly(path, text)
        return tomllib.loads(text), text
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), f"not UTF-8 text (byte {error.start})") from None
    except RecursionError:
        raise ConfigError(str(path), "nested too deep") from None
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line = int(found[1]) if found else None
        why = re.sub(r" \(at [^()]*\)$", "", str(error))
        raise ConfigError(str(path), why, line=line) from None
    except ValueError as error:  # a number that Python does not read
        raise ConfigError(str(path), str(error).partition(";")[0]) from None


def _refuse_costly(path: Path | str, text: str) -> None:
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") >= _MAX_PARTS and _LONG_KEY.search(line):
            raise ConfigError(str(path), f"a key of more than {_MAX_PARTS} parts", line=number)
        if len(line) >= _MAX_DIGITS and _LONG_NUMBER.search(line):
            raise ConfigError(str(path), f"a number of {_MAX_DIGITS} digits or more", line=number)


def load_rows[T](path: Path, table: str, kind: type[T], required: bool = True) -> list[T]:
    """The rows of `[[table]]` as `kind`. Raises ConfigError naming the row's line."""
    data, text = read_toml(path)
    return rows_of(path, data, text, table, kind, required)


def rows_of[T](
    path: Path, data: dict[str, Any], text: str, table: str, kind: type[T], required: bool = False
) -> list[T]:
    rows = data.get(table)
    if rows is None and not required:
        return []
    if not isinstance(rows, list):
        raise ConfigError(str(path), f"no [[{table}]] rows", line=1)
    found: list[T] = []
    for index, row in enumerate(rows):
        try:
            with _ONE_AT_A_TIME:
                found.append(msgspec.convert(row, kind))
        except msgspec.ValidationError as error:
            why, line = str(error), row_line(text, table, index)
            raise ConfigError(str(path), why, line=line, remedy=remedy_for(why)) from None
    return found


def remedy_for(why: str) -> str:
    """What to do where msgspec says `why` a row is none; nothing where that says it."""
    return UNKNOWN if "unknown field" in why else ""


def row_line(text: str, table: str, index: int) -> int | None:
    """Line of the `index`-th `[[table]]` header, counted from one."""
    headers = list(re.finditer(rf"^[ \t]*\[\[\s*{re.escape(table)}\s*\]\]", text, re.MULTILINE))
    if index >= len(headers):
        return None
    start = headers[index].start()
    return text.count("\n", 0, start + len(headers[index][0])) + 1


def forbid_unknown(path: Path | str, data: dict[str, Any], known: set[str]) -> None:
    """A misspelt table would silently mean nothing; say so instead."""
    for name in data:
        if name not in known:
            why = f"unknown table or key {name!r}; known: {', '.join(sorted(known))}"
            raise ConfigError(str(path), why, remedy=UNKNOWN)
