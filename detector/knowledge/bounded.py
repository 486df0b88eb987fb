"""Files of somebody else's, read up to a limit: what is named may be a device or a pipe that never ends.

Its size is no answer: a device, a pipe and a file that grows have none, or another one a moment later.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import IO

MAX_LINE = 64 << 10


def whole(path: Path, limit: int) -> bytes:
    """All of a file. Raises OSError, with EFBIG where it holds more than `limit` bytes."""
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise _too_large(path, f"larger than {_amount(limit)}")
    return data


def beginning(path: Path, limit: int) -> bytes:
    """The first `limit` bytes at most. Raises OSError."""
    with path.open("rb") as file:
        return file.read(limit)


def lines[T: (str, bytes)](file: IO[T], path: Path, limit: int = MAX_LINE) -> Iterator[T]:
    """Line by line, however many. Raises OSError, with EFBIG for a line of more than `limit` bytes or characters."""
    while line := file.readline(limit + 1):
        if len(line) > limit:
            raise _too_large(path, f"a line longer than {_amount(limit)}")
        yield line


def _too_large(path: Path, why: str) -> OSError:
    return OSError(errno.EFBIG, why, str(path))


def _amount(limit: int) -> str:
    return f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit >> 10} KiB"
