"""Events in a file, a line each, rotated by size.

Rules
-----
1. The file is opened for each batch, so that logrotate may move it at any time, and flushed to the disk before the
   batch counts as delivered.
2. It is never reached through a link, nor through a second name; whoever may write in its folder could plant either.
   The folder is the administrator's to choose.
3. A last line without an end is what a power cut left; it is cut off, because its event comes again.
4. Where the file would grow beyond `size`, FILE.1 becomes FILE.2 and so on, and FILE becomes FILE.1, one rename each; the
   oldest goes. A kill in between leaves a gap, and no line is lost. `count = 0` leaves rotation to others.
5. Another agent that writes the same file waits for the lock.
6. The disk may hang, and the lock be held by anybody: that is waited for in a thread, which nothing else waits for.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Literal

from detector.agent.sinks import Sink, SinkError, Surroundings
from detector.agent.sinks.choice import Choice, chosen
from detector.errors import ConfigError
from detector.knowledge.owners import is_ours
from detector.report.event_forms import Form, form
from detector.report.event_json import EventRecord

_TAIL = 1 << 16
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
_FLAGS |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_HAS_OWNERS = hasattr(os, "geteuid")


class Settings(Choice, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"):
    """[[sink]] of kind "file".

    Attributes:
        path: absolute.
        form: how a line is written.
        size: bytes from which on it is rotated.
        count: how many older files are kept; 0 never rotates.
        mode: of a file that is made.

    """

    path: str
    form: Form = "ndjson"
    size: int = 10 << 20
    count: int = 5
    mode: Literal["0600", "0640"] = "0600"


def open_sink(settings: Settings, surroundings: Surroundings) -> Sink:  # noqa: ARG001
    """Raises ConfigError."""
    path = Path(settings.path)
    if not path.is_absolute():
        raise ConfigError("sink.path", f"{settings.path!r} is not absolute")
    if settings.size < 1 << 10 or not 0 <= settings.count <= 1000:
        raise ConfigError("sink", "size is at least 1024 bytes, count 0 to 1000")
    return chosen(settings, FileSink(path, settings))


class FileSink:
    """An open one."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self._path = path
        self._settings = settings
        self._write: Callable[[EventRecord], bytes] = form(settings.form)
        self._writing = False

    async def send(self, events: Sequence[EventRecord]) -> None:
        data = b"".join(self._write(event) + b"\n" for event in events)
        settings = self._settings
        mode = int(settings.mode, 8)
        try:
            await self._apart(
                partial(append, self._path, data, settings.size, settings.count, mode)
            )
        except OSError as error:
            remedy = "free some space" if error.errno == errno.ENOSPC else ""
            why = error.strerror or str(error)
            raise SinkError(f"{self._path} cannot be written: {why}", remedy=remedy) from None

    async def close(self) -> None:
        """Nothing is held open."""

    async def _apart(self, work: Callable[[], None]) -> None:
        """In a thread of its own, one at a time. It is no pool's: those are waited for when a program ends."""
        if self._writing:
            raise SinkError(f"{self._path}: an earlier write has not come back")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def run() -> None:
            try:
                work()
            except Exception as error:  # it is raised where it is waited for
                outcome: Exception | None = error
            else:
                outcome = None
            self._writing = False
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(_settle, done, outcome)

        self._writing = True
        threading.Thread(target=run, daemon=True).start()
        await done


def _settle(done: asyncio.Future[None], outcome: Exception | None) -> None:
    if done.done():
        return
    if outcome is None:
        done.set_result(None)
    else:
        done.set_exception(outcome)


def append(path: Path, data: bytes, size: int, count: int, mode: int) -> None:
    """Put whole lines at a file's end, for good. Raises OSError; then none of them is there, or they come again."""
    descriptor = _opened(path, mode)
    try:
        end = _repaired(descriptor)
        if count and end and end + len(data) > size:
            if _HAS_OWNERS:
                _rotate(path, count)  # while we have the lock
            os.close(descriptor)
            descriptor = -1
            if not _HAS_OWNERS:
                _rotate(path, count)  # an open file cannot be moved there
            descriptor = _opened(path, mode)
            end = _repaired(descriptor)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, end)  # a full disk leaves no half of a line
            raise
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _opened(path: Path, mode: int) -> int:
    """The file itself, with its lock. Raises OSError."""
    while True:
        descriptor = os.open(path, _FLAGS, mode)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EINVAL, "no regular file")
            if found.st_nlink > 1:
                raise OSError(errno.EMLINK, "has a second name")
            if not is_ours(found.st_uid):
                raise OSError(errno.EPERM, "belongs to another user")
            _lock(descriptor)
            if _is_still(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # it was rotated while we waited


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    here = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


def _lock(descriptor: int) -> None:
    """Held until it is closed; who else writes does so for moments."""
    if _HAS_OWNERS:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _repaired(descriptor: int) -> int:
    """Where it ends, once a last line without an end is cut off."""
    end = os.lseek(descriptor, 0, os.SEEK_END)
    whole = end
    while whole > 0:
        start = max(0, whole - _TAIL)
        os.lseek(descriptor, start, os.SEEK_SET)
        piece = os.read(descriptor, whole - start)
        found = piece.rfind(b"\n")
        if found >= 0:
            whole = start + found + 1
            break
        whole = start
    if whole < end:
        os.ftruncate(descriptor, whole)
    return whole


def _rotate(path: Path, count: int) -> None:
    """Up to the first gap each goes one further; the last one is replaced."""
    gap = next((n for n in range(1, count) if not _numbered(path, n).exists()), count)
    for number in range(gap, 1, -1):
        _numbered(path, number - 1).replace(_numbered(path, number))
    path.replace(_numbered(path, 1))


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
