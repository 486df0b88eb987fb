"""Running what has servers and child processes, so that whoever ends it leaves none of them behind."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any


def run_stoppable[T](work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, where SIGTERM does what Ctrl-C does: all that is open is closed.

    A service manager, `timeout` and `kill` send SIGTERM; a shell's background jobs ignore SIGINT.
    Raises KeyboardInterrupt.
    """

    async def stoppable() -> T:
        task = asyncio.current_task()
        assert task is not None
        with suppress(NotImplementedError):  # Windows has no SIGTERM to wait for
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return asyncio.run(stoppable())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
