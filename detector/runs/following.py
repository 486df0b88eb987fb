"""One connection of a capture followed: a second pass over the file that it is in."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO

from detector.capture.connection import Connection
from detector.capture.following import Followed, follow
from detector.capture.keylog import KeyLog
from detector.capture.packet_file import PacketFile
from detector.errors import CaptureError, ConfigError
from detector.runs.files import UntilCut, damages, opened
from detector.runs.packets import with_secrets

MAX_SPOOLED = 1 << 28
_PIECE = 1 << 20


def followed(source: str | bytes, connection: Connection, keys: KeyLog) -> Followed:
    """Follow a connection through the file that it was read from, by its path or its content.

    Raises ConfigError where the file cannot be read, or is no longer the one that was read.
    """
    path = source if isinstance(source, str) else "capture"
    try:
        with _open(source) as file:
            found = follow(connection, with_secrets(PacketFile(UntilCut(file).read), keys), keys)
    except CaptureError as error:
        raise ConfigError(path, error.message) from None
    except damages() as error:
        raise ConfigError(path, str(error) or "damaged") from None
    if found.packets != connection.packets:
        raise ConfigError(path, "the file changed while it was read")
    return found


def _open(source: str | bytes) -> AbstractContextManager[IO[bytes]]:
    return opened(source) if isinstance(source, str) else BytesIO(source)


@contextmanager
def twice(files: Iterable[str]) -> Generator[tuple[str, ...]]:
    """Paths of files that can be read twice: what comes on stdin is put into a file that goes away afterwards.

    Raises ConfigError where more than MAX_SPOOLED bytes come.
    """
    paths = tuple(files)
    if "-" not in paths:
        yield paths
        return
    with tempfile.TemporaryDirectory(prefix="tlsight-") as folder:
        path = Path(folder, "stdin")
        with path.open("wb") as file:
            _spool(sys.stdin.buffer, file)
        yield tuple(str(path) if one == "-" else one for one in paths)


def _spool(source: IO[bytes], file: IO[bytes]) -> None:
    left = MAX_SPOOLED
    while piece := source.read(min(_PIECE, left + 1)):
        left -= len(piece)
        if left < 0:
            raise ConfigError(
                "-", f"what comes on stdin is read twice, and is more than {MAX_SPOOLED >> 20} MiB",
                remedy="put it into a file",
            )  # fmt: skip
        file.write(piece)
