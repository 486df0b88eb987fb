"""Rounds without end: one after the other, sooner where more waits, later and later where nobody answers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

from detector.errors import TlsightError

# A wait at most, where it is not the usual one that is longer: a way that is mended is found soon.
LONGEST = 60.0
_SOON = 0.2


async def rounds(
    step: Callable[[], Awaitable[tuple[tuple[str, ...], bool]]],
    every: float,
    tell: Callable[[str], None],
    news: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Until it is cancelled.

    Args:
        step: one round: what is wrong, a line each, and whether more waits.
        every: seconds between two rounds.
        tell: takes a line once, when it comes up, and again after it was gone.
        news: returns where the next round need not be waited for.

    """
    told: frozenset[str] = frozenset()
    failures = 0
    while True:
        try:
            trouble, more = await step()
        except TlsightError as error:
            trouble, more = (str(error),), False
        for line in trouble:
            if line not in told:
                tell(line)
        if told and not trouble:
            tell("in order again")
        told = frozenset(trouble)
        failures = failures + 1 if trouble else 0
        chance = random.random()  # noqa: S311 (nobody has to guess it)
        wait = pause(every, failures, more=more and not trouble, chance=chance)
        if news is None:
            await asyncio.sleep(wait)
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(news(), wait)


def pause(every: float, failures: int, *, more: bool, chance: float) -> float:
    """Seconds until the next round.

    Args:
        every: where all is well.
        failures: rounds in a row that failed.
        more: something waits.
        chance: 0 to 1, so that gateways that were started together do not come together.

    """
    if more:
        return _SOON
    longest = max(LONGEST, every)
    wait: float = min(every * 2.0 ** min(failures, 10), longest)
    return wait * (0.75 + chance / 2)
