"""The event loop's clock, put forward by a test: what is timed comes without anybody waiting for it."""

from __future__ import annotations

import asyncio


class Ahead:
    """Of the loop that runs now.

    Attributes:
        seconds: how far it is put forward.

    """

    def __init__(self) -> None:
        self.seconds = 0.0
        loop = asyncio.get_running_loop()
        true_time = loop.time
        loop.time = lambda: true_time() + self.seconds  # type: ignore[method-assign]
