"""Many targets: a fixed number of workers, targets read lazily, observations as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable

from detector.net.descriptors import room


async def sweep[A, T](
    targets: Iterable[A],
    work: Callable[[A], Awaitable[T]],
    *,
    concurrency: int = 64,
) -> AsyncGenerator[T]:
    """Results of `work` over `targets`, in the order in which they finish.

    At most `concurrency` targets are under way, and as many results wait to be taken: the memory
    used does not grow with the number of targets, and no more are under way than there are file
    descriptors for. An exception of `work` or of the iterable ends
    the sweep and is raised here.
    """
    source = iter(targets)
    concurrency = min(concurrency, room())
    results: asyncio.Queue[tuple[T] | Exception | None] = asyncio.Queue(maxsize=concurrency)

    async def worker() -> None:
        try:
            for target in source:
                await results.put((await work(target),))
        except Exception as error:
            await results.put(error)
        await results.put(None)

    workers = [asyncio.create_task(worker()) for _ in range(concurrency)]
    running = len(workers)
    try:
        while running:
            result = await results.get()
            if result is None:
                running -= 1
            elif isinstance(result, Exception):
                raise result
            else:
                yield result[0]
    finally:
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
