"""The one writer of files: whole or not at all, and never through a link that somebody planted.

Rules
-----
1. What is written is a file of our own beside the other one, under a name that nobody can guess, made with O_EXCL
   and O_NOFOLLOW; it takes the other's place by a rename. So a link at `path` is replaced, never followed, and
   who holds the old file open sees nothing of the new one.
2. The new file has the mode of the old one; of one that is another user's without the right to write for
   anybody else. In the place of a link it is never wider than the file that the link leads to: what is written
   may have been read there. A private one is 0600, whatever was there.
3. Devices and pipes, which cannot be replaced (/dev/null, /dev/stdout, a shell's >(...)), are written as they
   stand. Links are followed in /dev itself and among this process's descriptors, where no user plants any; pipes
   are written where they are our own or root's.
4. Who reads a file to write it again holds its lock meanwhile.

The folder is another matter: who may write in it may exchange the file afterwards.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from detector import clock
from detector.bounded import real_path
from detector.errors import StoreError
from detector.knowledge.owners import is_ours

_PRIVATE = 0o600
_OTHERS_WRITE = 0o022
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | _NOFOLLOW | getattr(os, "O_BINARY", 0)
_LOCKED_FOR = 30.0
_LOOK_AGAIN = 0.05


@contextmanager
def replacing(path: Path, mode: int = 0o644) -> Generator[BinaryIO]:
    """A file that takes the place of `path` when the block ends well.

    A killed process, a full disk or an exception leaves `path` as it was. Raises StoreError.
    """
    with _told(path, "the last good file is kept"):
        if (stream := _stream(path)) is not None:
            with stream:
                yield stream
            return
        beside, file = _made_beside(path, mode)
        try:
            with file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except BaseException:
            with suppress(OSError):
                beside.unlink()
            raise
        _flush_folder(path.parent)


@contextmanager
def growing(path: Path, mode: int = 0o644) -> Generator[BinaryIO]:
    """A file that takes the place of `path` at once and is written bit by bit: what a run that is cut short has
    written stays. Raises StoreError where it cannot be begun, OSError while it is written.
    """
    with _told(path, ""):
        file = _stream(path)
        if file is None:
            beside, file = _made_beside(path, mode)
            try:
                beside.replace(path)
            except BaseException:
                file.close()
                with suppress(OSError):
                    beside.unlink()
                raise
    with file:
        yield file


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """As `replacing`, for data at hand; makes the folder. Raises StoreError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(str(path.parent), f"cannot be made: {error.strerror}") from None
    with replacing(path, mode) as file:
        file.write(data)


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Nobody else who asks is in such a block for the same file at the same time, in any process.

    The lock is on an empty file beside it, because `path` itself is replaced by another file. It stays
    there: who removes it takes it away from those who wait. The system lets go when the process ends.
    Raises StoreError, also after half a minute in which somebody else held it.
    """
    beside = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(beside, os.O_CREAT | os.O_RDWR | _NOFOLLOW, 0o644)
    except OSError as error:
        why = f"cannot be made: {error.strerror or error}"
        raise StoreError(str(beside), why, remedy="give a place that can be written") from None
    try:
        _wait_for(descriptor, beside)
        yield
    finally:
        os.close(descriptor)  # and with it the lock


def _made_beside(path: Path, mode: int) -> tuple[Path, BinaryIO]:
    kept = None if mode == _PRIVATE else _mode_of(path)
    if kept is None:
        mode &= _mode_behind(path)
    beside = path.with_name(f".tlsight-{secrets.token_hex(8)}.part")
    # Never wider than it ends: somebody may open it before the first byte is in it.
    descriptor = os.open(beside, _NEW, mode if kept is None else kept)
    file = os.fdopen(descriptor, "wb")
    if kept is not None and hasattr(os, "fchmod"):
        os.fchmod(descriptor, kept)  # the umask has a say in new files alone
    return beside, file


def _mode_of(path: Path) -> int | None:
    """The mode that a file in this place keeps; None where there is none."""
    try:
        old = path.lstat()
    except OSError:
        return None
    if not stat.S_ISREG(old.st_mode):
        return None
    mode = stat.S_IMODE(old.st_mode) & 0o777
    return mode if is_ours(old.st_uid) else mode & ~_OTHERS_WRITE


def _mode_behind(path: Path) -> int:
    """All that the file has to which a link leads, and what a file without such a link may have."""
    try:
        behind = path.stat()
    except OSError:
        return 0o777
    return stat.S_IMODE(behind.st_mode) if stat.S_ISREG(behind.st_mode) else 0o777


def _stream(path: Path) -> BinaryIO | None:
    """`path` opened for writing where it is a device or a pipe; None where a file is to be replaced."""
    follow = str(real_path(path.parent)) in ("/dev", f"/proc/{os.getpid()}/fd")
    try:
        found = path.stat() if follow else path.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    ours = stat.S_ISFIFO(found.st_mode) and is_ours(found.st_uid)
    if not (ours or stat.S_ISCHR(found.st_mode) or (follow and path.is_symlink())):
        if stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode):
            return None
        raise OSError(errno.EPERM, "neither a file nor a pipe of yours")
    flags = os.O_WRONLY | os.O_APPEND | (0 if follow else _NOFOLLOW)
    descriptor = os.open(path, flags)
    opened = os.fstat(descriptor)
    if (opened.st_dev, opened.st_ino) != (found.st_dev, found.st_ino):
        os.close(descriptor)
        raise OSError(errno.EPERM, "was exchanged meanwhile")
    return os.fdopen(descriptor, "wb")


@contextmanager
def _told(path: Path, remedy: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        why = f"cannot be written: {error.strerror or error}"
        raise StoreError(str(path), why, remedy=remedy) from None


def _flush_folder(folder: Path) -> None:
    """The rename too survives a power cut, where the system has a way to say so."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _wait_for(descriptor: int, beside: Path) -> None:
    until = clock.stopwatch() + _LOCKED_FOR
    while True:
        try:
            _lock(descriptor)
        except OSError as error:
            if clock.stopwatch() > until:
                why = f"cannot be locked: {error.strerror or error}"
                raise StoreError(str(beside), why, remedy="see who holds it (fuser)") from None
            clock.sleep(_LOOK_AGAIN)
        else:
            return


def _lock(descriptor: int) -> None:
    """Without waiting. Raises OSError where somebody else has it."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
