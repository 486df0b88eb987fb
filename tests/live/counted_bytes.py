"""What the kernel of a namespace says went over its loopback, and what was counted: a program of test_agent_traffic.

    python -m tests.live.counted_bytes http|nats FOLDER

Whoever answers is in this namespace too, and counts nothing: over a loopback each byte goes out once.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from detector.lab.answer import Answer
from detector.lab.pki import LabPki
from detector.lab.web import Web
from detector.net.fetch import Fetcher, FetchOptions
from detector.net.traffic import TRAFFIC
from tests.live.fleet_agents import enrolled
from tests.live.fleet_world import running

_EVENTS = 40


def by_the_kernel() -> int:
    """Bytes over this namespace's loopback."""
    lines = Path("/proc/self/net/dev").read_text().splitlines()
    (lo,) = (line.partition(":")[2].split() for line in lines if line.strip().startswith("lo:"))
    return int(lo[8])


async def by_http(folder: Path) -> None:
    """Posts of 3 kB, two a connection, as a sink makes them."""
    pki = LabPki()
    (folder / "root.pem").write_text(pki.root.pem)
    async with Web(pki.issue("127.0.0.1"), lambda _: Answer(b"taken")) as web:
        for _ in range(10):
            async with Fetcher(FetchOptions(trust=folder / "root.pem")) as fetch:
                for _ in range(2):
                    await fetch.post(f"https://127.0.0.1:{web.port}/", b"x" * 3000, limit=100)


async def by_nats(folder: Path) -> None:
    """A fleet is begun, an agent enrolled, and its events are stored; then the server ends first."""
    async with running(folder) as fleet:
        agent = await enrolled(fleet, folder / "agent")
        for _ in range(_EVENTS):
            await agent.sink.send([agent.event()])
    await asyncio.sleep(0.1)
    await agent.sink.close()


def main() -> None:
    """Print both figures."""
    way, folder = sys.argv[1], Path(sys.argv[2])
    before = by_the_kernel()
    asyncio.run({"http": by_http, "nats": by_nats}[way](folder))
    print(json.dumps({"kernel": by_the_kernel() - before, "ours": TRAFFIC.sent + TRAFFIC.received}))


if __name__ == "__main__":
    main()
