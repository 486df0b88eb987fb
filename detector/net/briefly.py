"""Runs what asks the network for a few seconds, and does not wait for threads that ask a resolver which is silent.

asyncio.run waits at its end for every thread of its own (loop.shutdown_default_executor), and getaddrinfo in one cannot be
ended: with three silent nameservers it takes half a minute. The command leaves without them (os._exit).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


def run_briefly[T](work: Coroutine[Any, Any, T]) -> T:
    """What it gives. Tasks that it left behind are cancelled and waited for."""
    runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
    loop = runner.get_loop()
    try:
        try:
            return runner.run(work)  # which ends it in good order at Ctrl-C
        finally:
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
            if left:
                loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()  # does not wait for threads, as the runner's own end would
