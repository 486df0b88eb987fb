"""What is no file, or never ends, where a file is asked for."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path


def _zeros(folder: Path) -> Path:
    """A device that never ends. One of the folder's own, so that nothing can happen to the system's."""
    path = folder / "zeros"
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        path.symlink_to("/dev/zero")
    return path


def _directory(folder: Path) -> Path:
    path = folder / "directory"
    path.mkdir()
    return path


def _pipe(folder: Path) -> Path:
    """A pipe that nobody writes to: waiting for it is right, and Ctrl-C ends it."""
    path = folder / "pipe"
    os.mkfifo(path)
    return path


def _sparse(folder: Path) -> Path:
    """A gigabyte of zeros that takes no room: one line, for what reads lines."""
    path = folder / "sparse"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    return path


def _random(folder: Path) -> Path:
    path = folder / "random"
    path.write_bytes(os.urandom(1 << 20))
    return path


KINDS: dict[str, Callable[[Path], Path]] = {
    "zeros": _zeros,
    "directory": _directory,
    "pipe": _pipe,
    "sparse": _sparse,
    "random": _random,
}
