"""What a bypass decision costs: ours at any number of rules, mitmproxy's ignore_hosts beside it."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from figures import FIGURES
from mitmproxy.addons.next_layer import NextLayer
from mitmproxy.options import Options
from mitmproxy.proxy import context
from mitmproxy.test import taddons, tflow

from addons.bypass.binding import Claim, judge
from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.rule import Rule, RuleRow
from addons.proxy.binder import Binder
from addons.proxy.resolver import Resolver, read_servers
from addons.scripts import bypass_script
from addons.store.bypass_store import BypassStore
from detector import clock
from detector.lab.mitmdump import Mitmdump
from detector.lab.name_server import NameServer
from detector.lab.origin import Origin
from detector.lab.pki import Credential, LabPki
from detector.net.own_name import NameProof

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOST = "shop.test"
NAMES = ("www.some-unlisted-site.example.com", "host7.suffix3.example", "cdn.example.org")


def bypass(*, quick: bool) -> None:
    """The table."""
    print("a bypass decision, median of three names, microseconds")
    sizes = (10, 1000, 100_000) if quick else (10, 1000, 100_000, 1_000_000)
    for size in sizes:
        ours(size)
    layered(100_000, 2_000)
    for size in (10, 400, 1000) if quick else (10, 400, 1000, 10_000):
        theirs(size)
    print("  (aim: ours at most 2 and flat, at most 300 bytes a rule, a million in 5 s)\n")
    asyncio.run(binding())
    from_store(100_000 if quick else 1_000_000)
    asyncio.run(through_mitmdump(quick=quick))


def rules(count: int) -> list[Rule]:
    """Three quarters hosts, the rest suffixes, as they come from a file: strings of their own."""
    return [
        Rule(suffix=f"suffix{n}.example", reason="r", owner="o")
        if n % 4 == 3
        else Rule(host=f"host{n}.listed.example", reason="r", owner="o")
        for n in range(count)
    ]


def ours(count: int) -> None:
    gc.collect()
    before = rss()
    start = time.perf_counter()
    matcher = Matcher(rules(count))
    loaded = time.perf_counter() - start
    size = (rss() - before) / count
    cost = decide(lambda c: matcher.match(c, NOW))
    room = f"{size:5.0f} bytes a rule" if count >= 100_000 else ""
    print(
        f"  tlsight, {count:9,} rules              {cost:12.2f}   loaded in {loaded:5.2f} s {room}"
    )


def layered(own: int, beneath: int) -> None:
    """Rules of one's own over those of feeds: what no rule names is looked for twice."""
    feeds = [Rule(host=f"host{n}.vendor.example", reason="feed") for n in range(beneath)]
    flat, layers = Matcher(rules(own)), Matcher(rules(own), feeds)
    alone, both = (decide(lambda c, one=one: one.match(c, NOW)) for one in (flat, layers))
    FIGURES.note("bypass: a decision with a layer beneath, times without", both / alone, "lower")
    print(
        f"  the same with {beneath:,} of feeds beneath {own:,} {both:8.2f}   {alone:.2f} without (aim 3)"
    )


async def binding() -> None:
    """What it costs on top that a name must be bound, once its addresses are known: pure, and as the addon asks."""
    rule = Rule(host=HOST)
    claim = Claim(HOST, None, "127.0.0.1")
    matcher = Matcher([rule])
    arrival = Arrival(HOST, "127.0.0.1", "127.0.0.1", 443, "10.0.0.1")
    rounds = 50_000
    async with NameServer.here([HOST]) as names:
        binder = Binder(Resolver(read_servers(names.at)), _unasked)
        assert (await binder.bind(claim, rule, 443, "10.0.0.1")).state == "bound"
        answers = {HOST: ("127.0.0.1",)}
        costs: dict[str, list[float]] = {"decision": [], "pure": [], "cached": []}
        for _ in range(5):
            start = time.perf_counter()
            for _ in range(rounds):
                matcher.match(arrival, NOW)
            middle = time.perf_counter()
            for _ in range(rounds):
                judge(claim, answers)
            late = time.perf_counter()
            for _ in range(rounds):
                await binder.bind(claim, rule, 443, "10.0.0.1")
            costs["decision"].append(middle - start)
            costs["pure"].append(late - middle)
            costs["cached"].append(time.perf_counter() - late)
        assert len(names.asked) == 2, "the cache was not used"
    plain, pure, cached = (statistics.median(one) / rounds * 1e6 for one in costs.values())
    FIGURES.note("bypass: binding from cache, times the decision", cached / plain, "lower")
    print(f"  a rule that passes {plain:.2f}; that its name is bound: {pure:.2f} pure, {cached:.2f} as the"
          " addon asks, from cache (aim 5)\n")  # fmt: skip


async def _unasked(name: str, address: str, port: int) -> NameProof:
    raise AssertionError(f"{name} at {address}:{port} was asked for a proof")


def theirs(count: int) -> None:
    """Mitmproxy's list of regexes, as its next_layer addon asks it."""
    addon = NextLayer()
    patterns = [rf"^(.+\.)?host{n}\.listed\.example:443$" for n in range(count)]
    with taddons.context(addon) as tctx:
        tctx.configure(addon, ignore_hosts=patterns)
        made = context.Context(tflow.tclient_conn(), Options())

        def match(connection: Arrival) -> object:
            made.server.address = (connection.sni, 443)
            made.server.peername = None
            return addon._ignore_connection(made, b"", b"")  # noqa: SLF001

        rounds = 200 if count < 500 else 5
        cost = decide(match, rounds)
    print(f"  mitmproxy ignore_hosts, {count:6,}         {cost:12.2f}")


def from_store(count: int) -> None:
    """How long a proxy takes to have the rules of its store in force."""
    with tempfile.TemporaryDirectory(prefix="tlsight-bench-") as name:
        path = Path(name) / "b.sqlite3"
        with BypassStore(path, clock.now) as store:
            rows = [RuleRow(host=f"host{n}.listed.example", owner="o") for n in range(count)]
            store.import_rules(rows, "bench")
            start = time.perf_counter()
            read = [one.rule for one in store.rules()]
            middle = time.perf_counter()
            Matcher(read)
            end = time.perf_counter()
    print(
        f"{count:,} rules from the store: read in {middle - start:.2f} s, in force in {end - start:.2f} s\n"
    )


async def through_mitmdump(*, quick: bool) -> None:
    """Real connections with many rules beside none, and downloads that pass beside ignore_hosts."""
    rounds, size = (3, 32 << 20) if quick else (9, 256 << 20)
    with tempfile.TemporaryDirectory(prefix="tlsight-bench-") as name:
        folder = Path(name)
        pki = LabPki()
        (folder / "root.pem").write_text(pki.root.pem)
        big = folder / "big"
        big.write_bytes(b"\0" * size)
        async with Download(pki.issue(HOST), big) as origin, NameServer.here([HOST]) as names:
            await connections(folder, origin.port, rounds)
            await downloads(folder, origin.port, rounds, size, names.at)


class Download(Origin):
    """Answers with a file where "big" is asked for."""

    def __init__(self, credential: Credential, big: Path) -> None:
        super().__init__({HOST: credential})
        self._big = big.read_bytes()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            body = self._big if b"/big" in head else b"ok"
            writer.write(
                b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
            )
            writer.write(body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def connections(folder: Path, origin: int, rounds: int) -> None:
    """Thirty curls, eight at a time, in turns: no rule, and 100,000 that say nothing of the host."""
    stores = {}
    for count in (0, 100_000):
        path = folder / f"{count}.sqlite3"
        with BypassStore(path, clock.now) as store:
            store.import_rules(
                [RuleRow(host=f"h{n}.listed.example") for n in range(count)], "bench"
            )
        stores[count] = path
    seconds: dict[int, list[float]] = {count: [] for count in stores}
    async with AsyncExitStack() as stack:
        proxies = {
            count: await stack.enter_async_context(
                _proxy(folder / str(count), f"bypass_store={path}")
            )
            for count, path in stores.items()
        }
        await asyncio.sleep(3)
        for _ in range(rounds):
            for count, proxy in proxies.items():
                start = time.perf_counter()
                gate = asyncio.Semaphore(8)
                await asyncio.gather(*(_curl(proxy, origin, "", gate) for _ in range(30)))
                seconds[count].append(time.perf_counter() - start)
    empty, full = (statistics.median(seconds[count]) for count in (0, 100_000))
    FIGURES.note("bypass: connections with 100,000 rules, times none", full / empty, "lower")
    print(f"30 connections through mitmdump: {empty:.2f} s without rules, {full:.2f} s with 100,000:"
          f" {full / empty:.2f}x (aim 1.10)")  # fmt: skip


async def downloads(folder: Path, origin: int, rounds: int, size: int, names: str) -> None:
    """One large file that passes: by our rule, and by ignore_hosts."""
    path = folder / "pass.sqlite3"
    with BypassStore(path, clock.now) as store:
        store.add_rule(RuleRow(host=HOST))
    rates: dict[str, list[float]] = {"tlsight": [], "ignore_hosts": []}
    async with AsyncExitStack() as stack:
        proxies = {
            "tlsight": await stack.enter_async_context(
                _proxy(folder / "a", f"bypass_store={path}", f"bypass_resolver={names}")
            ),
            "ignore_hosts": await stack.enter_async_context(
                _proxy(folder / "b", f"ignore_hosts=^{HOST}:", scripts=())
            ),
        }
        await asyncio.sleep(3)
        gate = asyncio.Semaphore(1)
        for turn in range(rounds + 1):
            # Whoever comes first has the worse place: they change about.
            for name in sorted(proxies, reverse=bool(turn % 2)):
                start = time.perf_counter()
                await _curl(proxies[name], origin, "big", gate)
                if turn:  # the first is for warming up
                    rates[name].append(size / (time.perf_counter() - start) / 1e6)
    ours, theirs = (statistics.median(rates[name]) for name in ("tlsight", "ignore_hosts"))
    FIGURES.note("bypass: download, times ignore_hosts", ours / theirs, "higher")
    print(f"a download of {size >> 20} MiB that passes: {ours:.0f} MB/s by a rule, {theirs:.0f} by"
          f" ignore_hosts: {ours / theirs:.2f}x (aim 1.0)\n")  # fmt: skip


def _proxy(folder: Path, *more: str, scripts: Sequence[Path] | None = None) -> Mitmdump:
    used = (bypass_script(),) if scripts is None else scripts
    trust = folder.parent / "root.pem"
    return Mitmdump(folder, trust=trust, scripts=used, settings=(*more, "flow_detail=0"))


async def _curl(proxy: Mitmdump, origin: int, path: str, gate: asyncio.Semaphore) -> None:
    async with gate:
        process = await asyncio.create_subprocess_exec(
            "curl", "-sk", "-o", "/dev/null", "--noproxy", "", "-x", proxy.url, "--connect-to",
            f"{HOST}:443:127.0.0.1:{origin}", f"https://{HOST}/{path}",
            env={"PATH": os.environ["PATH"]},
        )  # fmt: skip
        if await process.wait() != 0:
            raise SystemExit("curl failed")


def decide(match: object, rounds: int = 20_000) -> float:
    """Microseconds a decision."""
    assert callable(match)
    connections = [Arrival(name, "192.0.2.1", "192.0.2.1", 443, "10.0.0.1") for name in NAMES]
    found = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(rounds):
            for connection in connections:
                match(connection)
        found.append((time.perf_counter() - start) / rounds / len(connections))
    return statistics.median(found) * 1e6


def rss() -> int:
    """Bytes of memory in use."""
    if sys.platform == "linux":
        with open("/proc/self/statm") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
