"""What runs beside the agent's loop goes on: one part that breaks is begun again, and the others live on."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from typing import Protocol

from detector.errors import TlsightError

_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 600.0


class Broke(Protocol):
    """Takes what broke a part of the agent."""

    def __call__(self, text: str, error: Exception, *, first: bool) -> None: ...


async def kept_up(
    name: str,
    work: Callable[[], Awaitable[None]],
    broke: Broke,
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    """A part of the agent, until it is through: one that breaks is begun again, ever later, and the others live on.

    `broke` takes what broke it, and whether that is the first time.
    """
    for failures in itertools.count():
        try:
            await work()
        except TlsightError as error:
            broke(f"{name}: {error}", error, first=not failures)
        except Exception as error:  # the boundary of a task
            text = f"{name}: unexpected error: {type(error).__name__}: {error}"
            broke(text, error, first=not failures)
        else:
            return
        await sleep(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(failures, 16)))
