"""A fleet that one process speaks for, by the real protocol: events published to JetStream, each acknowledged by it, taken
by the collector, committed, acknowledged.

    python bench/run.py --only fleet     # or alone: python bench/fleet.py [--quick]

The peers, measured in the same run: JetStream alone with the same messages, and SQLite alone with the same rows.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from children import child, end_in_order
from figures import FIGURES

from detector.agent import subjects
from detector.judging.judge import judge_all
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Handshake, Observation, Target
from detector.report.check_json import check_record
from detector.report.event_json import (
    DeviceRecord,
    EventRecord,
    FindingRecord,
    HeartbeatRecord,
    NetworkRecord,
    VersionsRecord,
    encode_event,
)

BIN = Path(sys.executable).parent
_AGENTS = 50_000
_WINDOW = 4000
_STEP = 2000


class SimulatedFleet:
    """Devices, each on a network, and what they say. `seed` makes them the same every time."""

    def __init__(self, agents: int, seed: int = 1) -> None:
        chance = random.Random(seed)
        self.devices = [f"{chance.getrandbits(128):032x}" for _ in range(agents)]
        self.networks = [f"{chance.getrandbits(128):032x}" for _ in range(max(1, agents // 20))]
        self.chance = chance
        forger = Authority("Gateway CA", organization="Example Corp", profile=False)
        known = LabPki().knowledge(lab=False)
        credential = forger.issue("www.google.com")
        self.now = forger.now
        seen = Observation(
            forger.now,
            Target("www.google.com", ip="192.0.2.7", sni="www.google.com"),
            chain=credential.chain,
            handshake=Handshake(True, "TLSv1.3", "TLS_AES_128_GCM_SHA256", "x25519", "h2"),
            ms={"dns": 1.0, "connect": 2.0, "tls": 5.0},
        )
        (judged,) = judge_all([seen], known)
        self.check = check_record(judged)
        self.seen = seen
        self._templates: dict[str, bytes] = {}

    def finding(self, number: int, *, observed: bool = False) -> bytes:
        """A finding that opens on the n-th device."""
        return self._said(number, "finding-observed" if observed else "finding")

    def heartbeat(self, number: int) -> bytes:
        return self._said(number, "heartbeat")

    def _said(self, number: int, what: str) -> bytes:
        # Made once and filled in: the simulator shares the machine with what it measures.
        made = self._templates.get(what)
        if made is None:
            made = self._templates[what] = self._make(what)
        event, finding = self.chance.getrandbits(128), self.chance.getrandbits(128)
        device = self.devices[number % len(self.devices)].encode()
        network = self.networks[number % len(self.networks)].encode()
        return (
            made.replace(b"d" * 32, device, 1)
            .replace(b"e" * 32, b"%032x" % event, 1)
            .replace(b"a" * 32, network, 1)
            .replace(b"f" * 32, b"%032x" % finding, 1)
        )

    def _make(self, what: str) -> bytes:
        at = datetime.now(UTC).replace(microsecond=0)
        is_finding = what.startswith("finding")
        return encode_event(
            EventRecord(
                schema="tlsight.event/1",
                id="e" * 32,
                kind="opened" if is_finding else "heartbeat",
                at=at,
                device=DeviceRecord("d" * 32, "laptop.example", "linux"),
                versions=VersionsRecord("1.0", "9" * 64),
                run="7" * 32,
                network=NetworkRecord("a" * 32, "1" * 32, "2" * 32, "3" * 32),
                finding=FindingRecord(
                    "f" * 32, "interception", "spki:" + "5" * 64, at, at, ("www.google.com:443",), 1
                )
                if is_finding
                else None,
                check=self.check if is_finding else None,
                observation=self.seen if what == "finding-observed" else None,
                heartbeat=None
                if is_finding
                else HeartbeatRecord(up=3600.0, every=900.0, checked=12, memory=50 << 20),
            )
        )


class Publisher:
    """NATS' client protocol, no more than publishing with JetStream's acknowledgement needs; many in flight."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def publish(self, messages: Iterator[tuple[str, bytes]]) -> int:
        """All of them, each acknowledged; gives how many."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        await reader.readline()
        writer.write(
            b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nSUB _B.> 1\r\n'
        )
        sent = done = 0
        refused = 0
        ended = False

        async def hear() -> None:
            nonlocal done, refused
            tail = b""
            while not ended or done < sent:
                data = await reader.read(1 << 18)
                if not data:
                    raise ConnectionError("the server is gone")
                data = tail + data
                if b"PING\r\n" in data:
                    writer.write(b"PONG\r\n")
                cut = data.rfind(b"\r\n") + 2
                done += data.count(b'"seq":', 0, cut)
                refused += data.count(b'"error":', 0, cut)
                tail = data[cut:]
                if refused:
                    raise ConnectionError(data[:300].decode())

        hearing = asyncio.create_task(hear())
        frames: list[bytes] = []
        for subject, body in messages:
            frames.append(b"PUB %s _B.a %d\r\n%s\r\n" % (subject.encode(), len(body), body))
            sent += 1
            if len(frames) == 200:
                writer.write(b"".join(frames))
                frames.clear()
                await writer.drain()
                while sent - done > _WINDOW and not hearing.done():
                    await asyncio.sleep(0.001)
        writer.write(b"".join(frames))
        ended = True
        await writer.drain()
        await asyncio.wait_for(hearing, 120)
        writer.close()
        return done


def fleet(*, quick: bool) -> None:
    """Findings and heartbeats of 50,000 agents, from the bus to the disk, beside what JetStream and SQLite do alone."""
    count = 10_000 if quick else 60_000
    simulated = SimulatedFleet(_AGENTS)
    with tempfile.TemporaryDirectory(prefix="tlsight-fleet-") as name:
        folder = Path(name)
        bare_bus = _bus_alone(folder / "alone", simulated, count)
        bare_rows = _rows_alone(folder / "rows.sqlite3", simulated, count)
        with _bus(folder / "bus") as port:
            beats = _collected(port, folder, simulated, _AGENTS, simulated.heartbeat)
            found = _collected(port, folder, simulated, count, simulated.finding)
    size = len(simulated.finding(0))
    print(f"a fleet of {_AGENTS:,} agents, findings of {size:,} bytes      a second")
    print(f"  JetStream alone, each acknowledged          {bare_bus:8.0f}")
    print(f"  SQLite alone, bodies by their ids           {bare_rows:8.0f}")
    print(
        f"  findings, published to committed            {found['rate']:8.0f}   {found['cpu']:6.0f} us CPU each"
    )
    print(
        f"  heartbeats, published to committed          {beats['rate']:8.0f}   {beats['cpu']:6.0f} us CPU each"
    )
    print(
        f"  {found['rate'] / bare_rows:.2f}x SQLite's own rate (aim: 10,000 findings a second, with the bus and the publisher on the same two cores)"
    )
    print(
        f"  collector's peak memory {max(beats['rss'], found['rss']) / 1024:.0f} MiB (aim: under 400)"
    )
    print(f"  load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    FIGURES.note("fleet: findings, times SQLite's rows", found["rate"] / bare_rows, "higher", 0.4)
    FIGURES.note("fleet: collector's MiB", max(beats["rss"], found["rss"]) / 1024, "lower", 0.1)


@contextmanager
def _bus(folder: Path) -> Iterator[int]:
    """nats-server with the stream of events, as it is installed: flushed every two minutes, and by the system."""
    from tests.live.programs import free_port

    port = free_port()
    command = [
        str(BIN / "nats-server"),
        "-a",
        "127.0.0.1",
        "-p",
        str(port),
        "-js",
        "-sd",
        str(folder),
    ]
    with child(command, stderr=subprocess.DEVNULL):
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        asyncio.run(_stream(port))
        yield port


async def _stream(port: int) -> None:
    import nats

    client = await nats.connect(f"nats://127.0.0.1:{port}")
    await client.jetstream().add_stream(name=subjects.EVENTS, subjects=[subjects.ALL_EVENTS])
    await client.close()


def _messages(
    simulated: SimulatedFleet, count: int, what: Callable[[int], bytes]
) -> Iterator[tuple[str, bytes]]:
    for number in range(count):
        device = simulated.devices[number % len(simulated.devices)]
        yield subjects.event_subject(device), what(number)


def _bus_alone(folder: Path, simulated: SimulatedFleet, count: int) -> float:
    with _bus(folder) as port:
        start = time.perf_counter()
        done = asyncio.run(Publisher(port).publish(_messages(simulated, count, simulated.finding)))
        assert done == count
        return count / (time.perf_counter() - start)


def _rows_alone(path: Path, simulated: SimulatedFleet, count: int) -> float:
    """The same bodies by their ids in batches of the same size, flushed as often: the least that keeps an event once."""
    rows = [(f"{number:032x}", simulated.finding(number).decode()) for number in range(count)]
    simulated.chance.shuffle(rows)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE event (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT")
        start = time.perf_counter()
        for at in range(0, count, _STEP):
            db.execute("BEGIN")
            db.executemany("INSERT INTO event VALUES (?, ?)", rows[at : at + _STEP])
            db.execute("COMMIT")
        return count / (time.perf_counter() - start)


def _collected(
    port: int, folder: Path, simulated: SimulatedFleet, count: int, what: Callable[[int], bytes]
) -> dict[str, float]:
    """Publish so many while the collector, a program of its own, takes them."""
    command = [
        sys.executable, str(ROOT / "bench" / "fleet_collector.py"), str(port), str(folder / "fleet.sqlite3"),
    ]  # fmt: skip
    with child(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        program.stdout.readline()
        start = time.time()
        done = asyncio.run(Publisher(port).publish(_messages(simulated, count, what)))
        assert done == count
        program.stdin.write(f"{count}\n")
        program.stdin.flush()
        told = json.loads(program.stdout.readline())
    assert told["events"] + told["heartbeats"] == count
    assert not told["refused"]
    rate = count / (told["end"] - start)
    return {"rate": rate, "cpu": told["cpu"] / count * 1e6, "rss": float(told["rss"])}


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true")
    end_in_order()
    fleet(quick=options.parse_args().quick)
