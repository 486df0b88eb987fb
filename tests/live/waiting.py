"""How a test waits: for a state that it can see, never for an amount of time.

A machine that does several things at once takes many times as long as an idle one. PATIENCE is for the one that never
gets there: where all is well nobody waits that long, so that it may be generous.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

PATIENCE = 60.0  # seconds; less than pytest's own, which would tell nothing of what was missing
_STEP = 0.05


def until(
    holds: Callable[[], object], what: str = "it", told: Callable[[], object] = lambda: ""
) -> None:
    """Wait for it. Raises AssertionError with what is told where it does not come."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"{what} did not come in {PATIENCE:g} s: {told()}"
        time.sleep(_STEP)


async def until_it_holds(
    holds: Callable[[], object], what: str = "it", told: Callable[[], object] = lambda: ""
) -> None:
    """`until` where an event loop runs."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"{what} did not come in {PATIENCE:g} s: {told()}"
        await asyncio.sleep(_STEP)


def settled[T](say: Callable[[], T], wanted: T) -> T:
    """What is said once it is what is wanted; where it never is, what was said last, for an assertion to show."""
    end = time.monotonic() + PATIENCE
    while (said := say()) != wanted and time.monotonic() < end:
        time.sleep(_STEP)
    return said
