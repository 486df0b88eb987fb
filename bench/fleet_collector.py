"""The collector as a program of its own: bus's port, database, batch, how many events to keep; prints one JSON object."""

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from addons.fleet.collector import Counts, Settings, collect
from addons.fleet.database import open_database


async def main(port: str, where: str, batch: str, correlate: str) -> None:
    import nats

    from detector.knowledge.shipped import canaries

    client = await nats.connect(f"nats://127.0.0.1:{port}", allow_reconnect=False)
    database = await open_database(where)
    counts = Counts()
    print("ready", flush=True)
    task = asyncio.create_task(
        collect(
            client, database, Settings(batch=int(batch), correlate=float(correlate)), canaries=frozenset(canaries()),
            counts=counts, say=lambda text: print(text, file=sys.stderr),
        )
    )  # fmt: skip
    wanted = asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await asyncio.wait((wanted, task), return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    target = int(wanted.result())
    while counts.events + counts.heartbeats < target and not task.done():
        await asyncio.sleep(0.01)
    end = time.time()
    task.cancel()
    await asyncio.wait((task,))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    await database.close()
    await client.close()
    print(json.dumps({"end": end, "events": counts.events, "heartbeats": counts.heartbeats,
        "refused": counts.refused, "rss": usage.ru_maxrss, "cpu": usage.ru_utime + usage.ru_stime, "sys": usage.ru_stime, "faults": usage.ru_minflt}))  # fmt: skip


import os

if os.environ.get("PROF"):
    import cProfile, pstats

    pr = cProfile.Profile()
    pr.enable()
    asyncio.run(main(*sys.argv[1:]))
    pr.disable()
    pstats.Stats(pr, stream=sys.stderr).sort_stats("tottime").print_stats(45)
else:
    asyncio.run(main(*sys.argv[1:]))
