"""Files as they come: plain or packed, from stdin, or still growing."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import sys
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from detector import clock
from detector.errors import ConfigError

_PAUSE = 0.5
_PACKED = 1 << 16
_LONGEST_LINE = 1 << 20
_XZ_MEMORY = 128 << 20  # xz -9 takes 65 MiB


@contextmanager
def opened(path: str) -> Generator[IO[bytes]]:
    """A file of bytes, "-" for stdin; .gz, .xz and .zst are unpacked. Raises ConfigError."""
    try:
        raw: Any = sys.stdin.buffer if path == "-" else Path(path).open("rb")  # noqa: SIM115
        start = raw.peek(6)[:6]
        if start[:2] == b"\x1f\x8b":
            file: Any = gzip.GzipFile(fileobj=raw)
        elif start == b"\xfd7zXZ\0":
            file = io.BufferedReader(_Xz(raw))
        elif start[:4] == b"\x28\xb5\x2f\xfd":
            import zstandard

            file = zstandard.ZstdDecompressor().stream_reader(raw)
        else:
            file = raw
    except OSError as error:
        raise ConfigError(path, error.strerror or str(error)) from None
    try:
        yield file
    finally:
        if path != "-":
            raw.close()


class UntilCut:
    """Reads a packed file to where it was cut: what came before counts. `cut` says that it was."""

    def __init__(self, file: IO[bytes]) -> None:
        self.cut = False
        # What is at hand, so that nothing is lost by the error behind it.
        self._read: Callable[[int], bytes] = getattr(file, "read1", file.read)

    def read(self, size: int) -> bytes:
        """At most that many bytes, none at the end."""
        try:
            return self._read(size)
        except EOFError:
            self.cut = True
            return b""


def lines_of(file: IO[bytes], name: str) -> Iterator[bytes]:
    """Lines of a file of which each is short. Raises ConfigError where one is not, as in /dev/zero or a bomb."""
    while line := file.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise ConfigError(name, f"a line of more than {_LONGEST_LINE >> 10} KiB")
        yield line


class _Xz(io.RawIOBase):
    """What is packed in .xz, stream after stream. lzma.LZMAFile has no limit: a file may ask for 4 GB of memory."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Raises EOFError where the file is cut, lzma.LZMAError where it is damaged or asks for too much."""
        while True:
            data = b""
            if self._stream.eof:
                # Between streams there may be zeros (xz's format, section 2.2).
                data = self._stream.unused_data.lstrip(b"\0")
                while not data:
                    packed = self._raw.read(_PACKED)
                    if not packed:
                        return 0
                    data = packed.lstrip(b"\0")
                self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
            elif self._stream.needs_input:
                data = self._raw.read(_PACKED)
                if not data:
                    raise EOFError("the file is cut")
            plain = self._stream.decompress(data, len(buffer))
            if plain:
                buffer[: len(plain)] = plain
                return len(plain)


def damages() -> tuple[type[Exception], ...]:
    """What reading raises where a file, or what packed it, is damaged or cut."""
    found: tuple[type[Exception], ...] = (EOFError, OSError, lzma.LZMAError, zlib.error)
    if "zstandard" in sys.modules:
        import zstandard

        found += (zstandard.ZstdError,)
    return found


def followed(path: Path, *, forever: Callable[[], bool] = lambda: True) -> Callable[[int], bytes]:
    """A `read` that waits for more; rotated and truncated files are taken up anew.

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
                if there.st_ino != os.fstat(file.fileno()).st_ino or there.st_size < here:
                    file.close()
                    file = path.open("rb")
                    continue
            except FileNotFoundError:
                pass  # between two files of a rotation
            clock.sleep(_PAUSE)

    return read
