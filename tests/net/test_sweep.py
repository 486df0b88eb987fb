import asyncio

import pytest

from detector.model.observation import Target
from detector.net.sweep import sweep


def targets(count: int, taken: list[int]):  # type: ignore[no-untyped-def]
    for number in range(count):
        taken.append(number)
        yield Target(f"h{number}.com")


def test_every_target_gives_one_result_and_few_are_under_way() -> None:
    running = peak = 0

    async def work(target: Target) -> str:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(0.001)
        running -= 1
        return target.host

    async def run() -> set[str]:
        return {host async for host in sweep(targets(50, []), work, concurrency=7)}

    assert len(asyncio.run(run())) == 50
    assert peak == 7


def test_targets_are_read_no_faster_than_results_are_taken() -> None:
    taken: list[int] = []

    async def work(target: Target) -> str:
        return target.host

    async def run() -> None:
        results = sweep(targets(10_000, taken), work, concurrency=4)
        async for _ in results:
            await asyncio.sleep(0)
            break
        await results.aclose()

    asyncio.run(run())
    assert len(taken) < 50


def test_a_fault_of_the_list_ends_the_sweep() -> None:
    def broken():  # type: ignore[no-untyped-def]
        yield Target("a.com")
        raise OSError("disk gone")

    async def work(target: Target) -> str:
        return target.host

    async def run() -> list[str]:
        return [host async for host in sweep(broken(), work, concurrency=2)]

    with pytest.raises(OSError, match="disk gone"):
        asyncio.run(run())
