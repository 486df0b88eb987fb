"""Mixed traffic through a recording mitmproxy for a long time: does it leak, lose, or stop answering?

    python bench/soak.py --minutes 30
    python bench/soak.py --minutes 30 --flood    # root; beside somebody who makes up a thousand names a second

As many clients as this machine holds: inspected requests, hosts that pass, clients that refuse, hang up silently or in
the middle, and blocked ones. Half-way the proxy is killed with SIGKILL and started again on the same store. Exit code 1
when memory or descriptors grow, when a decision or a written attempt is lost, or when a good request fails while the
proxy runs; with --flood also when a listed name passed to a stranger's address, or the real host that clients refuse is
no candidate in the end.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import socket
import sqlite3
import ssl
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from flood import NETWORK, Flood

from addons.bypass.audit import first_break
from addons.bypass.rule import RuleRow
from addons.scripts import bypass_script
from addons.store.bypass_store import BypassStore
from detector import clock
from detector.lab.mitmdump import Mitmdump
from detector.lab.name_server import NameServer
from detector.lab.origin import Origin
from detector.lab.pki import LabPki

GOOD, PASSED, PINNED, BLOCKED = "good.test", "passed.test", "pinned.test", "blocked.test"
WORKERS = 16
GRACE = 3.0  # seconds around a kill in which a request may fail


class Soak:
    def __init__(self, folder: Path, seconds: float, *, flood: bool = False) -> None:
        self.folder, self.seconds = folder, seconds
        self.floods = flood
        self.flood: Flood | None = None
        self.pki = LabPki()
        self.store = folder / "bypass.sqlite3"
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.samples: list[tuple[float, int, int, int]] = []
        self.problems: list[str] = []
        self.down_since = self.up_since = 0.0
        self.port = self.origin = 0
        self.names = ""
        self.stopping = False

    async def run(self) -> int:
        hosts = (GOOD, PASSED, PINNED, BLOCKED)
        self.prepare()
        async with (
            Origin({host: self.pki.issue(host) for host in hosts}) as origin,
            NameServer.here(hosts) as names,
        ):
            self.origin, self.names = origin.port, names.at
            proxy = await self.start(0)
            if self.floods:
                self.flood = Flood(self.port, origin.port, PASSED)
                await self.flood.__aenter__()
            workers = [asyncio.create_task(self.work(n)) for n in range(WORKERS)]
            half = time.perf_counter() + self.seconds / 2
            await self.watch(proxy, half)
            proxy = await self.kill_and_restart(proxy)
            await self.watch(proxy, time.perf_counter() + self.seconds / 2)
            self.stopping = True
            if self.flood is not None:
                await self.flood.__aexit__()
            await asyncio.gather(*workers)
            await proxy.__aexit__(None, None, None)
        self.judge()
        return self.report()

    def prepare(self) -> None:
        """100,000 rules, of which two are of this traffic."""
        with BypassStore(self.store, clock.now) as store:
            end = clock.now().date() + timedelta(days=30)
            about = {"owner": "soak", "reason": "soak", "expires": end}
            rows = [RuleRow(host=f"h{n}.listed.example", **about) for n in range(100_000)]
            rows += [RuleRow(host=PASSED, **about), RuleRow(host=BLOCKED, action="block", **about)]
            store.import_rules(rows, "soak")
        (self.folder / "root.pem").write_text(self.pki.root.pem)

    async def start(self, port: int) -> Mitmdump:
        proxy = Mitmdump(
            self.folder / "mitm",
            trust=self.folder / "root.pem",
            scripts=(bypass_script(),),
            settings=(
                f"bypass_store={self.store}", "bypass_mode=auto", "flow_detail=0",
                f"bypass_resolver={self.names}",
            ),
            port=port,
        )  # fmt: skip
        await proxy.__aenter__()
        self.port = proxy.port
        self.context = ssl.create_default_context(
            cafile=str(self.folder / "mitm" / "mitmproxy-ca-cert.pem")
        )
        self.context.load_verify_locations(self.folder / "root.pem")
        self.stranger = ssl.create_default_context(cafile=str(self.folder / "root.pem"))
        return proxy

    async def watch(self, proxy: Mitmdump, until: float) -> None:
        pid = proxy.pid
        started = time.perf_counter()
        while time.perf_counter() < until:
            await asyncio.sleep(min(10.0, max(until - time.perf_counter(), 0.1)))
            proxy.lines.clear()
            sample = (
                time.perf_counter() - started,
                _rss(pid),
                _descriptors(pid),
                sum(self.done.values()),
            )
            self.samples.append(sample)
            print(f"{sample[0]:7.0f} s  {sample[1] / 2**20:7.1f} MiB  {sample[2]:4} descriptors"
                  f"  {sample[3]:8} connections", flush=True)  # fmt: skip

    async def kill_and_restart(self, proxy: Mitmdump) -> Mitmdump:
        """SIGKILL in the middle of the traffic; what was written two seconds before must be there."""
        written = self.kept()
        self.down_since = time.perf_counter()
        os.kill(proxy.pid, signal.SIGKILL)
        await proxy.gone()
        db = sqlite3.connect(self.store)
        (whole,) = db.execute("PRAGMA integrity_check").fetchone()
        db.close()
        if whole != "ok":
            self.problems.append(f"after the kill: {whole}")
        if self.kept() < written:
            self.problems.append(f"{written} attempts before the kill, {self.kept()} after")
        with BypassStore(self.store, clock.now) as store:
            if first_break(store.audit()) or len(store.rules()) < 100_002:
                self.problems.append("rules or trail lost in the kill")
        print(f"killed; {written} attempts before, {self.kept()} after, store {whole}", flush=True)
        fresh = await self.start(self.port)
        self.up_since = time.perf_counter()
        return fresh

    def kept(self) -> int:
        with BypassStore(self.store, clock.now) as store:
            return sum(store.traffic.totals().values())

    async def work(self, number: int) -> None:
        chance = random.Random(number)
        kinds = ["good"] * 6 + ["passed"] * 4 + ["pinned", "refused", "no CA", "cut", "blocked"]
        while not self.stopping:
            kind = chance.choice(kinds)
            began = time.perf_counter()
            try:
                async with asyncio.timeout(20):
                    await self.once(kind, chance)
                self.done[kind] += 1
            except (
                OSError,
                ssl.SSLError,
                TimeoutError,
                EOFError,
                asyncio.IncompleteReadError,
            ) as error:
                self.note(kind, began, error)
                await asyncio.sleep(0.05)

    def note(self, kind: str, began: float, error: Exception) -> None:
        """A failure is expected of some, and of all while the proxy is away."""
        away = self.down_since and began > self.down_since - GRACE and (
            not self.up_since or began < self.up_since + GRACE or self.up_since < self.down_since
        )  # fmt: skip
        if kind in ("no CA", "blocked", "cut"):
            self.done[f"{kind}, {type(error).__name__}"] += 1
        elif not away:
            self.failed[f"{kind}: {type(error).__name__} {error}"[:90]] += 1

    async def once(self, kind: str, chance: random.Random) -> None:
        source = f"127.0.0.{chance.randrange(2, 40)}"
        if kind == "refused":
            await asyncio.to_thread(self.refuse, source)
            return
        host = {"passed": PASSED, "pinned": PINNED, "blocked": BLOCKED}.get(kind, GOOD)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, local_addr=(source, 0)
        )
        try:
            writer.write(f"CONNECT 127.0.0.1:{self.origin} HTTP/1.1\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
            if kind == "cut":
                writer.write(bytes.fromhex("1603010200010001fc0303"))
                await writer.drain()
                return
            context = self.stranger if kind == "no CA" else self.context
            await writer.start_tls(context, server_hostname=host)
            if kind == "pinned":
                return  # as curl leaves when the key is not the pinned one
            writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            answer = await reader.read()
            if b"200 OK" not in answer:
                raise EOFError(f"answer {answer[:30]!r}")
        finally:
            writer.close()
            with suppress(OSError, ssl.SSLError):
                await writer.wait_closed()

    def refuse(self, source: str) -> None:
        """An app that pins and says so by its alert, which asyncio would drop."""
        where = ("127.0.0.1", self.port)
        with socket.create_connection(where, 15, (source, 0)) as raw:
            raw.sendall(f"CONNECT 127.0.0.1:{self.origin} HTTP/1.1\r\n\r\n".encode())
            if b" 200 " not in raw.recv(4096):
                raise EOFError("no tunnel")
            with suppress(ssl.SSLCertVerificationError):
                self.stranger.wrap_socket(raw, server_hostname=PINNED).close()

    def judge(self) -> None:
        """Growth between the first third after each start and the end."""
        runs: list[list[tuple[float, int, int, int]]] = []
        for sample in self.samples:
            if not runs or sample[0] < runs[-1][-1][0]:
                runs.append([])
            runs[-1].append(sample)
        for run in runs:
            warm = run[len(run) // 3 :]
            third = max(len(warm) // 3, 1)
            for name, column, room in (("memory", 1, 1.15), ("descriptors", 2, 1.5)):
                before = sum(s[column] for s in warm[:third]) / third
                after = sum(s[column] for s in warm[-third:]) / third
                if after > before * room + (8 << 20 if column == 1 else 20):
                    self.problems.append(f"{name} grew from {before:.0f} to {after:.0f}")
        if self.failed:
            self.problems.append(f"{sum(self.failed.values())} good requests failed")

    def judge_flood(self, flood: Flood, known: Mapping[str, str]) -> None:
        """What a flooder must not reach."""
        made_up = [host for host in known if host.endswith(".flood.test")]
        print(f"flood: {flood.names} names made up, {flood.names / self.seconds:.0f} a second;"
              f" {flood.spoofs} spoofs, passed unbound {flood.unbound}; {flood.turned} turned away;"
              f" candidates: {known or 'none'}")  # fmt: skip
        if flood.unbound:
            self.problems.append(f"{flood.unbound} connections passed to a stranger's address")
        if made_up:
            self.problems.append(f"{len(made_up)} made-up names are candidates")
        if PINNED not in known:
            self.problems.append(f"{PINNED} is no candidate any more")

    def report(self) -> int:
        with BypassStore(self.store, clock.now) as store:
            totals = store.traffic.totals()
            passed = store.traffic.uses().get(PASSED)
            broken = first_break(store.audit())
            known = {one.candidate.host: one.state for one in store.candidates()}
        if broken:
            self.problems.append(broken)
        if self.flood is not None:
            self.judge_flood(self.flood, known)
        print("done:", dict(self.done))
        print("failed:", dict(self.failed) or "none")
        print("in the store:", totals, "passed", passed.connections if passed else 0)
        print("the audit trail", broken or "holds")
        print("problems:", self.problems or "none", datetime.now(UTC).isoformat())
        return 1 if self.problems else 0


def _rss(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _is_local(network: str) -> bool:
    """Whether any of its addresses can be taken here."""
    with socket.socket() as one, suppress(OSError):
        one.bind((network.partition("/")[0].rpartition(".")[0] + ".1", 0))
        return True
    return False


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--flood", action="store_true")
    given = parser.parse_args()
    minutes, flood = given.minutes, given.flood
    if flood and not _is_local(NETWORK):
        lay = f'ip link set lo up && ip route add local {NETWORK} dev lo && exec "$@"'
        words = ["unshare", "-n", "sh", "-c", lay, "sh", sys.executable, *sys.argv]
        os.execvp(words[0], words)
    with tempfile.TemporaryDirectory(prefix="tlsight-soak-") as folder:
        sys.exit(asyncio.run(Soak(Path(folder), minutes * 60, flood=flood).run()))


if __name__ == "__main__":
    main()
