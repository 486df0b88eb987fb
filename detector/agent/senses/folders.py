"""Tells that something happened in one of some folders: by the kernel (watchfiles), or not at all where that is not installed
or the system has no watches left. Whoever asks looks for himself from time to time, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path

# Milliseconds: how often the library's thread wakes up, how long it gathers, and how long it waits for anything.
_STEP, _GATHER, _WAIT = 500, 1000, 60_000


async def watch(
    folders: Collection[Path], names: Callable[[str], bool], stir: Callable[[], None]
) -> None:
    """Call `stir` whenever a file of such a path comes, goes or changes; until cancelled."""
    try:
        from watchfiles import awatch
    except ImportError:
        return
    there = [path for path in folders if path.is_dir()]
    if not there:
        return
    stop = asyncio.Event()
    try:
        async for _ in awatch(
            *there, watch_filter=lambda _, path: names(path), recursive=False, step=_STEP,
            debounce=_GATHER, rust_timeout=_WAIT, stop_event=stop, ignore_permission_denied=True,
        ):  # fmt: skip
            stir()
    except (OSError, RuntimeError):  # no watches left, or a folder went away
        return
    finally:
        stop.set()
