"""The collector as a program of its own, for bench/fleet.py: the bus's port, the database's file.

Says `ready`, reads how many messages it is to take, and prints one JSON object once they are committed.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from addons.fleet.collector import Counts, Settings, collect
from addons.fleet.correlated import correlate_now
from addons.fleet.database import open_database
from detector import clock


async def main(port: str, where: str) -> None:
    import nats

    client = await nats.connect(f"nats://127.0.0.1:{port}", allow_reconnect=False)
    database = await open_database(where)
    counts = Counts()
    collecting = asyncio.create_task(
        collect(
            client, database, Settings(correlate=30), counts=counts,
            say=lambda text: print(text, file=sys.stderr),
        )
    )  # fmt: skip
    print("ready", flush=True)
    wanted = asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await asyncio.wait((wanted, collecting), return_when=asyncio.FIRST_COMPLETED)
    while not collecting.done() and counts.events + counts.heartbeats < int(wanted.result()):
        await asyncio.sleep(0.01)
    end = time.time()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    # The fleet is looked at as a whole once more: that takes memory, too, and seconds that no event costs.
    await correlate_now(database, clock.now())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    collecting.cancel()
    await asyncio.wait((collecting,))
    await database.close()
    await client.close()
    told = {
        "end": end, "events": counts.events, "heartbeats": counts.heartbeats, "refused": counts.refused,
        "rss": peak, "cpu": usage.ru_utime + usage.ru_stime,
    }  # fmt: skip
    print(json.dumps(told), flush=True)


asyncio.run(main(*sys.argv[1:]))
