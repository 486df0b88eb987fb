"""Whose file is it, and who else may write it? As ssh and sudo ask of their configuration.

Rules
-----
1. Settings count where root or the caller owns the file, and nobody else may write it: what is in there decides
   what is trusted and which files are written.
2. A group may write where nobody but the owner and root is in it: with umask 002, as Debian and Red Hat set it up,
   everybody has a group of their own (ssh of these systems takes such files too), and containers that run under
   any number have root's group.
3. What is asked is the open file: its name may lead elsewhere a moment later.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path


def is_ours(uid: int) -> bool:
    """The caller's, or root's. Where files have no such owners, everybody's."""
    return uid == 0 or not hasattr(os, "geteuid") or uid == os.geteuid()


class Distrusted(Exception):  # noqa: N818 (no fault of ours)
    """The file is there and does not count; the text says why."""


def read_ours(path: Path, limit: int) -> bytes:
    """At most `limit` + 1 bytes of a file of settings. Raises Distrusted, OSError."""
    # A pipe in its place would keep us waiting.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise Distrusted("is no file")
        if (why := distrusted(found)) is not None:
            raise Distrusted(why)
        return file.read(limit + 1)


def distrusted(found: os.stat_result) -> str | None:
    """Why a file of settings does not count, None where it does."""
    if not hasattr(os, "geteuid"):
        return None
    if not is_ours(found.st_uid):
        return f"belongs to {_user(found.st_uid)}, neither to root nor to you"
    if found.st_mode & stat.S_IWOTH:
        return "everybody may write it"
    if found.st_mode & stat.S_IWGRP and not _is_own_group(found.st_uid, found.st_gid):
        return f"the group {_group(found.st_gid)} may write it"
    return None


def _is_own_group(uid: int, gid: int) -> bool:
    """Root's, or one in which nobody is but `uid` and root. A group that the system does not list is nobody's."""
    if gid == 0:
        return True
    import grp
    import pwd

    try:
        members = set(grp.getgrgid(gid).gr_mem)
    except KeyError:
        members = set()
    named = {one.pw_name: one for one in pwd.getpwall()}
    inside = {named[name].pw_uid for name in members if name in named}
    inside |= {one.pw_uid for one in named.values() if one.pw_gid == gid}
    return inside <= {0, uid}


def _user(uid: int) -> str:
    import pwd

    with suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return f"user {uid}"


def _group(gid: int) -> str:
    import grp

    with suppress(KeyError):
        return grp.getgrgid(gid).gr_name
    return str(gid)
