"""A file that grows, read as it does; rotated and truncated files are taken up anew."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from detector.errors import ConfigError

_PAUSE = 0.5


def followed(path: Path, *, forever: Callable[[], bool] = lambda: True) -> Callable[[int], bytes]:
    """A `read` that waits for more.

    Args:
        path: the file.
        forever: asked before each wait; false ends the file.

    Raises ConfigError where it cannot be opened.

    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise ConfigError(str(path), error.strerror or str(error)) from None

    def read(size: int) -> bytes:
        nonlocal file
        while True:
            data = file.read(size)
            if data:
                # Whole lines only: the rest of the last one is still being written.
                cut = data.rfind(b"\n") + 1
                if cut < len(data) and len(data) < size:
                    file.seek(cut - len(data), 1)
                    data = data[:cut]
                if data:
                    return data
            if not forever():
                file.close()
                return b""
            try:
                there = path.stat()
                here = file.tell()
                if there.st_ino != _inode(file.fileno()) or there.st_size < here:
                    file.close()
                    file = path.open("rb")
                    continue
            except FileNotFoundError:
                pass  # between two files of a rotation
            time.sleep(_PAUSE)

    return read


def _inode(number: int) -> int:
    import os

    return os.fstat(number).st_ino
