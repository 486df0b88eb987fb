"""The time that one target may take, whatever it does.

Every step has a time-out of its own, but a peer that answers each of them a little before its end, byte
by byte, adds them all up. So what is done for one target draws on one budget; what was found when it is
gone still stands, and what was not finished is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from detector import clock

# Of --timeout: names, connection, proxy, STARTTLS and handshake, each at its limit, and one to spare.
TIMES = 6


class Budget:
    """`await budget.spend("trials", work)` until the time is over.

    Attributes:
        unfinished: what the time did not suffice for, in order.

    """

    def __init__(self, timeout: float) -> None:
        self.seconds = TIMES * timeout
        self.unfinished: list[str] = []
        self._began = clock.stopwatch()

    @property
    def left(self) -> float:
        return max(0.0, self.seconds - (clock.stopwatch() - self._began))

    async def spend[T](self, what: str, work: Coroutine[Any, Any, T]) -> T | None:
        """The result of `work`; None, and `what` is noted, where the time ended first."""
        try:
            async with asyncio.timeout(self.left) as scope:
                return await work
        except TimeoutError:
            if not scope.expired():
                raise
            self.unfinished.append(what)
            return None
