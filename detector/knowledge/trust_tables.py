"""Tables of the trust audit: roots of the public programs, and the files in which programs are told whom to trust."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path

import msgspec

from detector.chain.root_table import RootEnd, RootTable
from detector.errors import ConfigError
from detector.knowledge.programs import programs
from detector.knowledge.rows import load_rows, read_toml, row_line, rows_of
from detector.knowledge.shipped import DATA
from detector.model.programs import Unsafe


@lru_cache(maxsize=1)
def root_table() -> RootTable:
    """The roots that a public program has or had for servers, and how they ended."""
    return load_root_table(DATA / "public_roots.toml")


def public_roots() -> Mapping[str, str]:
    """Their names, by SHA-256 of the certificate."""
    return root_table().names


class SettingKind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of setting file; data/setting_files.toml says what the fields mean.

    Attributes:
        key: the one key of a folder.
        includes: keys that name a further file of the kind.
        service: what it sets counts for the service alone that the file is of.

    """

    name: str
    format: str
    files: tuple[str, ...]
    also: tuple[str, ...] = ()
    key: str = ""
    keys: tuple[str, ...] = ()
    spelled: dict[str, str] = {}
    includes: tuple[str, ...] = ()
    service: bool = False


@lru_cache(maxsize=1)
def setting_kinds() -> tuple[SettingKind, ...]:
    """The shipped kinds, in the table's order."""
    return tuple(load_rows(DATA / "setting_files.toml", "kind", SettingKind))


@lru_cache(maxsize=1)
def further_variables() -> tuple[str, ...]:
    """Variables that are no program's, and matter to all."""
    return tuple(read_toml(DATA / "setting_files.toml")[0]["also"]["env"])


@lru_cache(maxsize=1)
def unsafe_keys() -> Mapping[str, tuple[Unsafe, ...]]:
    """What turns verification off, in any program, by the setting's key."""
    found: dict[str, tuple[Unsafe, ...]] = {}
    for program in programs().values():
        for row in program.unsafe:
            if row not in (known := found.get(row.key, ())):
                found[row.key] = (*known, row)
    return found


def load_root_table(path: Path) -> RootTable:
    """One table. Raises ConfigError, with the line of the row at fault."""
    data, text = read_toml(path)
    made = data.get("made")
    if not isinstance(made, date):
        raise ConfigError(str(path), "made: not the day of its newest list")
    programs = rows_of(path, data, text, "program", _Program, required=True)
    names = {digest: name for row in reversed(programs) for digest, name in row.roots.items()}
    for digest in names:
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise ConfigError(str(path), f"{digest!r} is not 64 lower-case hex digits")
    ends = rows_of(path, data, text, "end", RootEnd)
    ended: set[str] = set()
    for index, end in enumerate(ends):
        strange = [digest for digest in end.roots if digest not in names or digest in ended]
        if strange:
            why = f"{strange[0]!r} is in no program, or ends twice"
            raise ConfigError(str(path), why, line=row_line(text, "end", index))
        ended.update(end.roots)
    return RootTable(names, ends, made)


class _Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    roots: dict[str, str]
