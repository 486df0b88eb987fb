"""Which files a kind of settings is in, on this machine or below another root."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from detector.stores.reading import inside

_MAX_NAMES = 4000
_MAX_FILES = 500


class SettingFile(NamedTuple):
    """A file by the name that is shown, and the home that "~" is in it."""

    path: Path
    home: Path | None


class Places(NamedTuple):
    """Where patterns begin.

    Attributes:
        folder: of the project, None where no project's files count.

    """

    root: Path
    homes: tuple[Path, ...]
    environment: Mapping[str, str]
    folder: Path | None = None

    def files(self, patterns: Iterable[str]) -> Iterator[SettingFile]:
        """Those that are there, in the patterns' order, each once."""
        seen: set[Path] = set()
        for start, pattern, home in self._begun(patterns):
            for path in expanded(self.root, start, pattern):
                file = inside(self.root, path)
                if file not in seen and len(seen) < _MAX_FILES:
                    seen.add(file)
                    yield SettingFile(path, home)

    def _begun(self, patterns: Iterable[str]) -> Iterator[tuple[Path, str, Path | None]]:
        own = self.homes[0] if self.homes else None
        for pattern in patterns:
            head, _, rest = pattern.partition("/")
            if head == "~":
                yield from ((home, rest, home) for home in self.homes)
            elif head == ".":
                if self.folder is not None:
                    yield self.folder, rest, own
            elif head == "^":
                if self.folder is not None:
                    yield from ((above, rest, own) for above in (self.folder, *self.folder.parents))
            elif head.startswith("$"):
                for named in self.environment.get(head[1:], "").split(os.pathsep):
                    if Path(named).is_absolute():
                        yield Path(named), rest, own
            else:
                yield self.root, rest, own


def expanded(root: Path, start: Path, pattern: str) -> Iterator[Path]:
    """Files of `start`/`pattern`; links lead to what they lead to below `root`, also in between."""
    paths = [start]
    for part in filter(None, pattern.split("/")):
        if not any(mark in part for mark in "*?["):
            paths = [path / part for path in paths]
            continue
        paths = [path / name for path in paths for name in _names(inside(root, path), part)]
    yield from (path for path in paths if _is_file(inside(root, path)))


def _names(folder: Path, pattern: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for _, entry in zip(range(_MAX_NAMES), entries, strict=False)]
    except (OSError, ValueError):
        return []
    return sorted(fnmatch.filter(names, pattern))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
