"""Write a file whole or not at all: beside it first, flushed to the disk, then renamed over it."""

from __future__ import annotations

import os
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


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """As `replacing`, for data at hand; makes the folder. Raises StoreError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(str(path.parent), f"cannot be made: {error.strerror}") from None
    with replacing(path, mode) as file:
        file.write(data)
