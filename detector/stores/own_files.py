"""Files of the user that lines may be written into: the shell's start file, a program's own settings."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from detector.bounded import read_whole, real_path
from detector.errors import ConfigError, StoreError
from detector.knowledge.owners import is_ours
from detector.knowledge.trust_tables import SettingKind, setting_kinds

_RC = {"bash": ".bashrc", "zsh": ".zshenv", "fish": ".config/fish/conf.d/tlsight.fish"}
SHELL_NAMES = (*_RC, "sh")
# Where lines can stand by themselves, whatever else is in the file.
_APPENDED = frozenset(("ini", "words", "options", "shell"))
_MAX = 4 << 20
_ANYTHING = frozenset("*?[")


def own_home(environment: Mapping[str, str]) -> Path:
    """The caller's home. Raises ConfigError where there is none, or it is somebody else's."""
    named = environment.get("HOME", "")
    if not named:
        raise ConfigError("HOME", "is not set", remedy="set it to the user's home folder")
    home = Path(named)
    try:
        owner = home.stat().st_uid
    except OSError as error:
        raise ConfigError("HOME", f"{named}: {error.strerror or error}") from None
    if not home.is_absolute() or not home.is_dir():
        raise ConfigError("HOME", f"{named} is no folder")
    if hasattr(os, "geteuid") and owner != os.geteuid():
        raise ConfigError("HOME", f"{named} is another user's", remedy="run it as that user")
    return home


def rc_file(home: Path, shell: str) -> Path:
    """The file that the shell reads whenever it starts. Raises ConfigError for a shell that is none of ours."""
    if shell not in SHELL_NAMES:
        raise ConfigError("--shell", f"{shell!r} is none of {', '.join(SHELL_NAMES)}")
    return home / _RC.get(shell, ".profile")


def shell_of(environment: Mapping[str, str]) -> str:
    """The user's own; sh where it is another."""
    name = Path(environment.get("SHELL", "")).name
    return name if name in _RC else "sh"


def all_rc_files(home: Path) -> list[Path]:
    """Of every shell."""
    return [rc_file(home, shell) for shell in SHELL_NAMES]


def settings_file(home: Path, named: str) -> Path | None:
    """A file of settings below the home that lines can be put behind; None for every other."""
    if not named.startswith("~/") or " " in named:
        return None
    if any(named in kind.files and kind.format in _APPENDED for kind in setting_kinds()):
        return home / named.removeprefix("~/")
    return None


def files_of_kinds(home: Path, names: frozenset[str], environment: Mapping[str, str]) -> list[Path]:
    """Files of the user in which a program may keep its settings, whether they are there or not."""
    found = [
        path
        for kind in setting_kinds()
        if not names.isdisjoint((kind.name, *kind.also))
        for path in _paths(home, kind, environment)
    ]
    return list(dict.fromkeys(found))


def _paths(home: Path, kind: SettingKind, environment: Mapping[str, str]) -> Iterator[Path]:
    for pattern in kind.files:
        head, _, rest = pattern.partition("/")
        if _ANYTHING & set(pattern):
            continue
        if head == "~":
            yield home / rest
        elif head.startswith("$") and Path(environment.get(head[1:], "")).is_absolute():
            yield Path(environment[head[1:]]) / rest if rest else Path(environment[head[1:]])


def writable(path: Path, home: Path) -> tuple[Path, bytes | None]:
    """The file behind a name, and what is in it (None: it is not there). A link is followed inside the home.

    Raises StoreError for what is not to be written: somebody else's, read-only, no file.
    """
    real = real_path(path)
    remedy = "add the lines there yourself, or name another file"
    if real != path and not real.is_relative_to(real_path(home)):
        raise StoreError(str(path), f"leads out of the home, to {real}", remedy=remedy)
    try:
        found = real.stat()
    except FileNotFoundError:
        return real, None
    except OSError as error:
        raise StoreError(str(path), error.strerror or str(error), remedy=remedy) from None
    if not stat.S_ISREG(found.st_mode):
        raise StoreError(str(path), "is no file", remedy=remedy)
    if not is_ours(found.st_uid):
        raise StoreError(str(path), "is another user's", remedy=remedy)
    if not found.st_mode & stat.S_IWUSR:
        raise StoreError(
            str(path), "is read-only", remedy="chmod u+w it, or add the lines yourself"
        )
    try:
        return real, read_whole(real, _MAX)
    except OSError as error:
        raise StoreError(str(path), error.strerror or str(error), remedy=remedy) from None
