"""What a bypass decision costs: ours at any number of rules, mitmproxy's ignore_hosts beside it."""

from __future__ import annotations

import gc
import resource
import statistics
import sys
import time
from datetime import date

from mitmproxy.addons.next_layer import NextLayer
from mitmproxy.options import Options
from mitmproxy.proxy import context
from mitmproxy.test import taddons, tflow

from addons.bypass.matcher import Connection, Matcher
from addons.bypass.rule import Rule

TODAY = date(2026, 11, 23)
NAMES = ("www.some-unlisted-site.example.com", "host7.suffix3.example", "cdn.example.org")


def bypass(*, quick: bool) -> None:
    """The table."""
    print("a bypass decision, median of three names, microseconds")
    sizes = (10, 1000, 100_000) if quick else (10, 1000, 100_000, 1_000_000)
    for size in sizes:
        ours(size)
    for size in (10, 400, 1000) if quick else (10, 400, 1000, 10_000):
        theirs(size)
    print("  (aim: ours at most 2 and flat, at most 300 bytes a rule, a million in 5 s)\n")


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
    cost = decide(lambda c: matcher.match(c, TODAY))
    room = f"{size:5.0f} bytes a rule" if count >= 100_000 else ""
    print(
        f"  tlsight, {count:9,} rules              {cost:12.2f}   loaded in {loaded:5.2f} s {room}"
    )


def theirs(count: int) -> None:
    """Mitmproxy's list of regexes, as its next_layer addon asks it."""
    addon = NextLayer()
    patterns = [rf"^(.+\.)?host{n}\.listed\.example:443$" for n in range(count)]
    with taddons.context(addon) as tctx:
        tctx.configure(addon, ignore_hosts=patterns)
        made = context.Context(tflow.tclient_conn(), Options())

        def match(connection: Connection) -> object:
            made.server.address = (connection.sni, 443)
            made.server.peername = None
            return addon._ignore_connection(made, b"", b"")  # noqa: SLF001

        rounds = 200 if count < 500 else 5
        cost = decide(match, rounds)
    print(f"  mitmproxy ignore_hosts, {count:6,}         {cost:12.2f}")


def decide(match: object, rounds: int = 20_000) -> float:
    """Microseconds a decision."""
    assert callable(match)
    connections = [Connection(name, "192.0.2.1", "192.0.2.1", 443, "10.0.0.1") for name in NAMES]
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
