"""Many targets: a fixed number of workers, targets read lazily, observations as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable

from detector.model import Target


async def sweep[T](
    targets: Iterable[Target],
    work: Callable[[Target], Awaitable[T]],
    *,
    concurrency: int = 64,
) -> AsyncGenerator[T]:
    """Results of `work` over `targets`, in the order in which they finish.

    At most `concurrency` targets are under way, and as many results wait to be taken: the memory
    used does not grow with the number of targets. An exception of `work` or of the iterable ends
    the sweep.
    """
    source = iter(targets)
    results: asyncio.Queue[T | None] = asyncio.Queue(maxsize=concurrency)

    async def worker() -> None:
        for target in source:
            await results.put(await work(target))
        await results.put(None)

    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(worker()) for _ in range(concurrency)]
        running = len(workers)
        try:
            while running:
                result = await results.get()
                if result is None:
                    running -= 1
                else:
                    yield result
        finally:
            for task in workers:
                task.cancel()
