"""A short run ends when its work does."""

from __future__ import annotations

import asyncio
import threading

import pytest

from detector import clock
from detector.net.briefly import run_briefly


def test_a_thread_that_is_still_asking_is_not_waited_for() -> None:
    over = threading.Event()

    async def work() -> str:
        asyncio.get_running_loop().run_in_executor(None, over.wait)
        await asyncio.sleep(0.05)
        return "done"

    begun = clock.stopwatch()
    try:
        assert run_briefly(work()) == "done"
        assert clock.stopwatch() - begun < 60
    finally:
        over.set()


def test_tasks_that_are_left_are_cancelled_and_may_tidy_up() -> None:
    tidied: list[bool] = []

    async def other() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0)
            tidied.append(True)

    async def work() -> asyncio.Task[None]:
        task = asyncio.create_task(other())
        await asyncio.sleep(0)
        return task

    assert run_briefly(work()).cancelled()
    assert tidied == [True]


def test_what_the_work_raises_is_raised() -> None:
    async def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run_briefly(work())
