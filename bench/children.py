"""Programs that the bench starts: each ends with its block, and whatever it has started with it.

A program is a session of its own, so that its children can be ended too. What would end the bench at once
(SIGTERM, a terminal that closes) becomes an exception first, so that the blocks are left in order.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

_GRACE = 5.0


def end_in_order() -> None:
    """Leave every block when a signal asks this process to end."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _raise)


@contextmanager
def child(command: Sequence[str], **how: Any) -> Iterator[subprocess.Popen[Any]]:
    """A program that runs no longer than the block."""
    started = subprocess.Popen(command, start_new_session=True, **how)
    try:
        yield started
    finally:
        if started.poll() is None:
            started.terminate()
            with suppress(subprocess.TimeoutExpired):
                started.wait(_GRACE)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(started.pid, signal.SIGKILL)  # its children, and itself if it stays
        started.wait()
        for pipe in (started.stdin, started.stdout, started.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def _raise(number: int, frame: FrameType | None) -> None:
    del frame
    sys.exit(128 + number)
