"""Files read up to a limit, whatever they are: /dev/zero says that its size is 0; and where they really are."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read_bounded(path: Path, limit: int) -> bytes:
    """The first `limit` bytes of a file or pipe that the caller named. Raises OSError."""
    with path.open("rb") as file:
        return file.read(limit)


def read_whole(path: Path, limit: int) -> bytes:
    """All of such a file. Raises OSError, with EFBIG where it holds more than `limit` bytes (whole MiB)."""
    data = read_bounded(path, limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit >> 20} MiB", str(path))
    return data


def read_regular(path: Path, limit: int) -> bytes:
    """The first `limit` bytes of a file that was found, in other users' homes too, where a pipe that nobody writes
    to would keep us waiting. Raises OSError, also for what is no file.
    """
    # Not waiting for a pipe's other end; without a meaning for files.
    descriptor = os.open(
        path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "no file")
        return file.read(limit)


def real_path(path: Path) -> Path:
    """Where it really is, links followed; a circle of links is left as it stands, by every Python."""
    return Path(os.path.realpath(path))
