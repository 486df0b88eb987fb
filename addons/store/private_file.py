"""Small files for one user's eyes alone: keys, tokens, heads.

Made with a name of chance, O_EXCL and O_NOFOLLOW, so that no link that somebody put there is followed, then moved
into place whole. What root makes beside another user's file belongs to that user, who could not read it else.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from detector.errors import StoreError

_MOST = 1 << 20


def read_private(path: Path) -> bytes | None:
    """The content, None where there is no such file.

    Raises StoreError for one that cannot be read, is no file, or that others can read: then it is no secret.
    """
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | _NOFOLLOW | _NONBLOCK), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise StoreError(str(path), "is no file")
            if os.name == "posix" and mode & 0o077:
                raise StoreError(str(path), "others can read it", remedy=f"chmod 600 {path}")
            return file.read(_MOST)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(str(path), f"cannot be read: {error.strerror}") from None


def write_private(path: Path, content: bytes, *, beside: Path | None = None) -> None:
    """Put `content` in the file's place, mode 0600. Raises StoreError.

    Args:
        path: its folder is made when missing.
        content: all of it.
        beside: whose owner the file gets, where root writes.

    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | _NOFOLLOW
        with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
            if beside is not None:
                _give(file.fileno(), beside)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise StoreError(str(path), f"cannot be written: {error.strerror}") from None


def _give(descriptor: int, beside: Path) -> None:
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        owner = beside.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_NONBLOCK: int = getattr(os, "O_NONBLOCK", 0)  # a pipe in its place would wait for ever
