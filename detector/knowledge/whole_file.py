"""Write a file whole or not at all: beside it first, flushed to the disk, then renamed over it.

Who reads a file to write it again holds its lock meanwhile.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from detector.errors import StoreError


@contextmanager
def replacing(path: Path, mode: int = 0o644) -> Generator[BinaryIO]:
    """A file that takes the place of `path` when the block ends well.

    A killed process, a full disk or an exception leaves `path` as it was. Raises StoreError.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        why = f"cannot be written: {error.strerror or error}"
        raise StoreError(str(path), why, remedy="the last good file is kept") from None
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Nobody else who asks is in such a block for the same file at the same time, in any process.

    The lock is on an empty file beside it, because `path` itself is replaced by another file. It stays
    there: who removes it takes it away from those who wait. The system lets go when the process ends.
    Raises StoreError.
    """
    beside = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(beside, os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        why = f"cannot be made: {error.strerror or error}"
        raise StoreError(str(beside), why, remedy="give a place that can be written") from None
    try:
        _wait_for(descriptor, beside)
        yield
    finally:
        os.close(descriptor)  # and with it the lock


def _wait_for(descriptor: int, beside: Path) -> None:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        raise StoreError(str(beside), f"cannot be locked: {error.strerror or error}") from None


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """As `replacing`, for data at hand; makes the folder. Raises StoreError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(str(path.parent), f"cannot be made: {error.strerror}") from None
    with replacing(path, mode) as file:
        file.write(data)
