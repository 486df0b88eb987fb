"""A model in a loop asks a few things at a time, and no network full of hosts."""

from __future__ import annotations

import asyncio

import pytest

from detector.mcp.gate import HOSTS_A_MINUTE, WAITING, WORKING, BusyError, Gate


class Watch:
    """A stopwatch that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_few_calls_work_some_wait_and_the_others_are_told_so() -> None:
    async def run() -> None:
        gate, go, working = Gate(Watch()), asyncio.Event(), 0

        async def call() -> str:
            nonlocal working
            try:
                async with gate.entered(0):
                    working += 1
                    await go.wait()
                    return "done"
            except BusyError as error:
                return str(error)

        calls = [asyncio.create_task(call()) for _ in range(200)]
        await asyncio.sleep(0.05)
        assert working == WORKING
        go.set()
        said = await asyncio.gather(*calls)
        assert said.count("done") == WORKING + WAITING
        assert said[-1] == "4 calls are at work and 16 wait; ask when one is answered"

    asyncio.run(run())


def test_hosts_are_counted_by_the_minute() -> None:
    async def run() -> None:
        watch = Watch()
        gate = Gate(watch)
        async with gate.entered(HOSTS_A_MINUTE):
            pass
        with pytest.raises(BusyError, match="ask again in 9 s"):
            async with gate.entered(16):
                pass
        watch.seconds = 9.0
        async with gate.entered(16):
            pass

    asyncio.run(run())


def test_a_call_that_was_cancelled_gives_its_place_back() -> None:
    async def run() -> None:
        gate = Gate(Watch())

        async def call() -> None:
            async with gate.entered(0):
                await asyncio.sleep(60)

        for _ in range(3):
            calls = [asyncio.create_task(call()) for _ in range(WORKING + WAITING)]
            await asyncio.sleep(0)
            for one in calls:
                one.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
        async with gate.entered(1):
            pass

    asyncio.run(run())
