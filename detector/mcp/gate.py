"""How much an agent may ask at once, and how many hosts in a minute: a model in a loop is no scanner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from detector.errors import TlsightError

WORKING, WAITING = 4, 16  # calls
HOSTS_A_MINUTE = 120


class BusyError(TlsightError):
    """A call is not taken now."""

    code = "busy"


class Gate:
    """Lets a few calls work, some more wait, and turns the others away.

    Args:
        stopwatch: seconds that only grow.

    """

    def __init__(self, stopwatch: Callable[[], float]) -> None:
        self._stopwatch = stopwatch
        self._working = asyncio.Semaphore(WORKING)
        self._inside = 0
        self._left = float(HOSTS_A_MINUTE)
        self._at = stopwatch()

    @asynccontextmanager
    async def entered(self, hosts: int) -> AsyncIterator[None]:
        """A place to work, for a call that asks so many hosts. Raises BusyError."""
        if self._inside >= WORKING + WAITING:
            raise BusyError(
                f"{WORKING} calls are at work and {WAITING} wait", remedy="ask when one is answered"
            )
        self._take(hosts)
        self._inside += 1
        try:
            async with self._working:
                yield
        finally:
            self._inside -= 1

    def _take(self, hosts: int) -> None:
        now = self._stopwatch()
        a_second = HOSTS_A_MINUTE / 60
        self._left = min(HOSTS_A_MINUTE, self._left + (now - self._at) * a_second)
        self._at = now
        if hosts > self._left:
            seconds = int((hosts - self._left) / a_second) + 1
            raise BusyError(
                f"{HOSTS_A_MINUTE} hosts were asked within a minute",
                remedy=f"ask again in {seconds} s",
            )
        self._left -= hosts
