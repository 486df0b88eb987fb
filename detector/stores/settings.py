"""Variables and setting files that redirect trust, or turn it off, each with file and line.

What is looked for is what programs are said to obey (data/programs/), in the files of data/setting_files.toml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from msgspec.structs import replace

from detector.auditing.model import Setting
from detector.auditing.obeyed import obeys
from detector.bounded import read_regular
from detector.knowledge.programs import programs
from detector.knowledge.trust_tables import SettingKind, further_variables, setting_kinds
from detector.stores.formats import read_format
from detector.stores.formats.entry import Entry
from detector.stores.reading import existing, inside
from detector.stores.setting_files import Places, SettingFile
from detector.stores.wanted import Wanted, by_program_key

ENVIRONMENT = "environment"
_TRUST_STORE = re.compile(r"-Djavax\.net\.ssl\.trustStore=(\"[^\"]*\"|\S+)")
# Keys whose values are files whatever programs say of them.
_NAMES_FILE = frozenset(
    ("docker:certs.d", "containers:certs.d", "firefoxpolicies:policies.Certificates.Install")
)
_MAX = 1 << 20
_MAX_INCLUDES = 20
_MAX_VALUE = 64 << 10


def read_settings(
    root: Path,
    homes: Iterable[Path],
    environment: Mapping[str, str],
    folder: Path | None = None,
) -> tuple[Setting, ...]:
    """Everything that is set: the environment first, then of each kind the strongest file first.

    `folder` is of a project whose own files count as well.
    """
    places = Places(root, tuple(homes), environment, folder)
    found = [
        setting
        for name, value in environment.items()
        for setting in _variable(name, value, ENVIRONMENT, None, None)
    ]
    for kind in setting_kinds():
        for file in places.files(kind.files):
            found += _of_file(root, kind, file)
    return tuple(_checked(setting, root) for setting in found)


def is_file_of_roots(setting: Setting) -> bool:
    """Whether the setting names certificates to read as a place of their own."""
    return bool(setting.names) and not setting.missing


def _of_file(root: Path, kind: SettingKind, file: SettingFile, depth: int = 0) -> Iterator[Setting]:
    where = str(file.path)
    if kind.format == "folder":
        yield Setting(
            f"{kind.name}:{kind.key}", where, where, names=where, scope=file.path.parent.name
        )
        return
    try:
        data = read_regular(inside(root, file.path), _MAX)
    except (OSError, ValueError):
        return
    for entry in read_format(kind.format, data):
        name = entry.path[-1] if entry.path else ""
        if kind.format in ("shell", "unit"):
            scope = file.path.stem if file.path.suffix == ".service" else file.path.parent.name
            yield from _variable(
                name, entry.value, where, entry.line, file.home, scope if kind.service else ""
            )
            continue
        if _includes(kind, entry) and depth < _MAX_INCLUDES:
            further = Path(_homely(entry.value, file.home))
            path = (
                file.path.parent / further if not further.is_absolute() else _below(root, further)
            )
            yield from _of_file(root, kind, SettingFile(path, file.home), depth + 1)
            continue
        keys, scope = _wanted().match(kind.name, entry.path)
        for key in keys:
            yield _set(key, entry.value, where, entry.line, file, scope)


def _variable(
    name: str, value: str, where: str, line: int | None, home: Path | None, scope: str = ""
) -> Iterator[Setting]:
    if not value:
        return
    if name in _wanted().variables:
        yield _set(f"env:{name}", value, where, line, SettingFile(Path(where), home), scope)


def _set(
    key: str, value: str, where: str, line: int | None, file: SettingFile, scope: str
) -> Setting:
    value = value[:_MAX_VALUE]
    names = ""
    if key in _NAMES_FILE or any(obeys(when, value) for _, when in _file_keys().get(key, ())):
        store = _TRUST_STORE.search(value)
        names = _homely(store[1].strip('"') if store else value, file.home)
        if (
            names
            and not Path(names).is_absolute()
            and file.path.is_absolute()
            and key not in _NAMES_FILE
        ):
            names = str(file.path.parent / names)
    return Setting(key, value, where, line=line, names=names, scope=scope)


def _includes(kind: SettingKind, entry: Entry) -> bool:
    return bool(kind.includes) and (entry.path[0].casefold(), entry.path[-1].casefold()) in {
        tuple(name.split(".")) for name in kind.includes
    }


def _homely(value: str, home: Path | None) -> str:
    """A path with the home that "~" and $HOME are in that file."""
    if home is None:
        return value
    for start in ("~/", "$HOME/", "${HOME}/"):
        if value.startswith(start):
            return str(home / value.removeprefix(start))
    return value


def _below(root: Path, path: Path) -> Path:
    return path if path.is_relative_to(root) else root / path.relative_to(path.anchor)


def _checked(setting: Setting, root: Path) -> Setting:
    """Says whether what a setting names is there; another machine's files are below `root`."""
    if not setting.names:
        return setting
    folders = any(value == "folder" for value, _ in _file_keys().get(setting.key, ()))
    parts = setting.names.split(":") if folders else [setting.names]
    there = [path for part in parts if part and (path := existing(root, part)) is not None]
    if there:
        return replace(setting, names=":".join(map(str, there)))
    if "Certificates.Install" in setting.key and "/" not in setting.value:
        return setting  # below folders of the program's own
    return replace(setting, missing=True)


@lru_cache(maxsize=1)
def _wanted() -> Wanted:
    return Wanted(setting_kinds(), programs().values(), further_variables())


@lru_cache(maxsize=1)
def _file_keys() -> Mapping[str, list[tuple[str, str]]]:
    return by_program_key(programs().values())
