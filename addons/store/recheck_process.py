"""One round of re-checks in a process of its own: what a running proxy starts, so that nothing of it waits.

A hundred thousand rules are seconds of work and half a gigabyte, and a thread would hold up whoever else runs in its
process. What to do comes by stdin, as the upstream proxy may have a password; what was found goes to stdout, a line a
thing that a log should have. The store says the rest.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from addons.bypass.rechecking import Rechecked
from addons.store.bypass_store import BypassStore
from addons.store.rechecking import Round
from addons.store.servers import servers_now
from detector import clock
from detector.errors import TlsightError
from detector.net.probe import ProbeOptions
from detector.net.routes import Routing, parse_proxy
from detector.own_python import python

# Runs under any Python that mitmproxy runs on: our packages first, what they need behind all others.
CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); sys.path.append(sys.argv[2]);"
    " from addons.store.recheck_process import main; main()"
)
TOGETHER, TIMEOUT = 4, 10.0
# Rules that a log is told of.
MOST_TOLD = 20


class Order(msgspec.Struct, frozen=True):
    """What to do.

    Attributes:
        upstream: URL of the proxy that mitmproxy goes through, None for none.

    """

    store: str
    upstream: str | None = None


class Line(msgspec.Struct, frozen=True):
    """What the log is to say."""

    text: str
    warning: bool = False


def command() -> list[str]:
    """How to start it here."""
    root = Path(__file__).resolve().parents[2]
    libraries = Path(msgspec.__file__).resolve().parents[1]
    return python("-c", CODE, str(root), str(libraries))


def main() -> None:
    """Read the order, do it, and say what came of it. Never raises for what a store or a server does."""
    if hasattr(os, "nice"):
        os.nice(10)
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    try:
        lines = list(told(looked_at(order)))
    except TlsightError as error:
        lines = [Line(f"the rules were not looked at again: {error}", warning=True)]
    for line in lines:
        sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")


def looked_at(order: Order) -> list[Rechecked]:
    """One round. Raises StoreError, ConfigError."""
    routing = Routing(parse_proxy(order.upstream)) if order.upstream is not None else Routing()
    options = ProbeOptions(timeout=TIMEOUT, routing=routing)
    with BypassStore(Path(order.store), clock.now, "mitmproxy addon") as store:
        round_ = Round(store, clock.now())
        servers = asyncio.run(servers_now(round_.past(), options, TOGETHER))
        return round_.finish(servers, by="past the proxy, by itself")


def told(found: Iterable[Rechecked]) -> Iterator[Line]:
    """How many are in which state, and what has become of some just now."""
    every = list(found)
    if every:
        states = Counter(one.state for one in every)
        said = ", ".join(f"{count} {state}" for state, count in states.items())
        yield Line(f"looked at the rules again: {said}")
    changed = [
        one
        for one in every
        if one.state in ("now-breaks", "no-longer-needed") and one.since == one.at
    ]
    for one in changed[:MOST_TOLD]:
        yield Line(f"the rule {one.pattern}: {one.state}: {one.text}", warning=True)
    if len(changed) > MOST_TOLD:
        more = len(changed) - MOST_TOLD
        yield Line(f"and {more} more: tlsight bypass recheck --show", warning=True)
