"""What the endpoint agent costs over a stretch of time, by the kernel's account: `python bench/agent.py --minutes 30`.

A real mitmproxy intercepts its two hosts; a run every ten minutes is six times the usual, and the audit of a day came
before. Bytes are those of the namespace's lo, sent and received: run it in one of its own
(`sh scripts/alone.sh`).
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from tests.live.agent_world import AgentWorld, Running, Surroundings

_EVERY = 600.0
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / one for one in ("world", "agent")]
        for one in folders:
            one.mkdir()
        with Surroundings(folders[0]) as around:
            _measure(around.agent(folders[1]), Path(name), minutes)


def _measure(world: AgentWorld, folder: Path, minutes: float) -> None:
    world.sinks = '[[sink]]\nkind = "file"\npath = "' + str(folder / "events.ndjson") + '"\n'
    settings = world.settings()
    text = settings.read_text().replace('"10s"', f'"{_EVERY:g}s"')
    settings.write_text(text.replace("trust = false", "trust = true"))
    world.once()  # the audit of a day, and the first run
    before = _traffic()
    with Running(world) as agent:
        time.sleep(5)
        pid = agent.process.pid
        start, began = _seconds(pid), time.monotonic()
        time.sleep(minutes * 60 - 5)
        used, took = _seconds(pid) - start, time.monotonic() - began
        print(f"resident {_resident(pid) / 1e6:.1f} MB; at most {_peak(pid) / 1e6:.1f} MB")
    runs = took / _EVERY
    print(f"processor {used:.2f} s in {took:.0f} s: {100 * used / took:.3f} % of a core")
    print(f"bytes over lo {_traffic() - before} in about {runs:.1f} runs of two hosts")
    print(f"findings told: {world.told()}")


def _seconds(pid: int) -> float:
    """Of the process and the children it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(fields[place]) for place in (11, 12, 13, 14)) / _TICK


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))


def _traffic() -> int:
    line = next(one for one in Path("/proc/net/dev").read_text().splitlines() if "lo:" in one)
    return int(line.split(":")[1].split()[0])


if __name__ == "__main__":
    main()
