"""How many targets this process has file descriptors for: a target that finds none left is one nobody judged."""

from __future__ import annotations

import os
from contextlib import suppress

# A connection, the next address's beside it, a name server's, and one to spare.
_EACH = 4
_KEPT_FREE = 8


def room() -> int:
    """Targets that can be under way at once; at least 1."""
    limit = _limit()
    return 1 << 20 if limit is None else max(1, (limit - _in_use() - _KEPT_FREE) // _EACH)


def make_room(targets: int) -> int:
    """Raise this process's own limit, as far as the system lets it, until so many fit; how many do then."""
    if room() < targets and _limit() is not None:
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _in_use() + _KEPT_FREE + _EACH * targets
        if most != resource.RLIM_INFINITY:
            wanted = min(wanted, most)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    return min(targets, room())


def _limit() -> int | None:
    """The limit in force, None where there is none."""
    try:
        import resource
    except ImportError:  # Windows, where sockets are not counted so
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def _in_use() -> int:
    for folder in ("/proc/self/fd", "/dev/fd"):
        with suppress(OSError):
            return len(os.listdir(folder))  # noqa: PTH208 (names are enough)
    return 32
