"""The file with a page's token: one for each page that runs, gone with it.

Several pages may serve one store, also out of containers that count ports and processes for themselves alone. So a
page holds a lock on its file: one that is locked is another's, and the next name is taken; one that is not locked
was left by a page that was killed, and is used again.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from detector.errors import StoreError

_MOST = 100


def placed_token(
    folder: Path, port: int, token: str, page: str = "review"
) -> tuple[Path, Callable[[], None]]:
    """Write it, mode 0600; the file, and what takes it away. Raises StoreError."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(str(folder), f"cannot be made: {error.strerror}") from None
    first = f"{page}-token-{port}"
    for path in (folder / name for name in (first, *(f"{first}-{n}" for n in range(2, _MOST)))):
        try:
            descriptor = _taken(path)
        except OSError as error:
            raise StoreError(str(path), f"cannot be written: {error.strerror}") from None
        if descriptor is not None:
            return path, _written(path, descriptor, token)
    raise StoreError(str(folder), f"{_MOST} pages run here already")


def _taken(path: Path) -> int | None:
    """The locked file, empty; None where another page has it, or somebody else's file lies there."""
    flags = os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except (FileExistsError, IsADirectoryError, PermissionError):
        return None
    except OSError as error:
        if path.is_symlink():
            return None
        raise error from None
    found = os.fstat(descriptor)
    ours = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
    if os.name == "posix":
        ours = ours and found.st_uid == os.geteuid() and _lock(descriptor)
    try:  # its page may have taken it away between the two steps
        ours = ours and path.stat().st_ino == found.st_ino
    except FileNotFoundError:
        ours = False
    if not ours:
        os.close(descriptor)
        return None
    return descriptor


def _lock(descriptor: int) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a network's file system without locks
        return True
    return True


def _written(path: Path, descriptor: int, token: str) -> Callable[[], None]:
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, 0o600)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{token}\n".encode())

    def take_away() -> None:
        with contextlib.suppress(OSError):
            if path.stat().st_ino == os.fstat(descriptor).st_ino:
                path.unlink()
        with contextlib.suppress(OSError):
            os.close(descriptor)

    return take_away
