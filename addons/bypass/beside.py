"""mitmproxy's own options beside our rules: who wins. Pure.

mitmproxy asks scripts for the next layer before it decides itself. What a rule of ours passes or blocks is settled
then. What our rules inspect is left to mitmproxy, and its `ignore_hosts` and `allow_hosts` may pass it all the
same: they are searched in "host:port" of the address, the Host header and the SNI (mitmproxy 12, addons/next_layer.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import re2

MAX_PATTERNS, MAX_PATTERN = 500, 300


class Beside(msgspec.Struct, frozen=True, omit_defaults=True):
    """The options of one proxy that decide with us, or bear on what we know.

    Attributes:
        ways: its modes, as mitmproxy writes them.
        cut: some patterns were left out, so that what matches cannot be told.

    """

    ignore_hosts: tuple[str, ...] = ()
    allow_hosts: tuple[str, ...] = ()
    tcp_hosts: tuple[str, ...] = ()
    udp_hosts: tuple[str, ...] = ()
    connection_strategy: str = "eager"
    ways: tuple[str, ...] = ("regular",)
    show_ignored_hosts: bool = False
    cut: bool = False


def bounded(found: Beside) -> Beside:
    """The same, small enough to be kept."""
    names = ("ignore_hosts", "allow_hosts", "tcp_hosts", "udp_hosts")
    kept = {
        name: tuple(one for one in getattr(found, name)[:MAX_PATTERNS] if len(one) <= MAX_PATTERN)
        for name in names
    }
    cut = any(len(kept[name]) != len(getattr(found, name)) for name in names)
    ways = tuple(one[:MAX_PATTERN] for one in found.ways[:20])
    return msgspec.structs.replace(found, **kept, ways=ways, cut=found.cut or cut)


def warnings(found: Beside) -> Iterator[str]:
    """A line for each that a person who writes rules should know of."""
    if found.allow_hosts:
        yield (
            f"allow_hosts ({_some(found.allow_hosts)}) is set: what it does not name passes uninspected, also where"
            " a rule of tlsight says inspect; pass and block rules of tlsight win"
        )
    if found.ignore_hosts:
        yield (
            f"ignore_hosts ({_some(found.ignore_hosts)}) is set: what it names passes uninspected, also where a"
            " rule of tlsight says inspect; pass and block rules of tlsight win"
        )
    for name in ("tcp_hosts", "udp_hosts"):
        if patterns := getattr(found, name):
            yield (
                f"{name} ({_some(patterns)}) is set: pass and block rules of tlsight win; the rest of what it names"
                " is decrypted, but not read as HTTP"
            )
    if found.connection_strategy == "lazy":
        yield (
            "connection_strategy=lazy: the server is not connected when a rule is looked for, so a rule by address"
            " goes by what the proxy resolves, and the connection goes there"
        )
    if any(way.startswith("upstream:") for way in found.ways):
        yield (
            "mode upstream: the proxy upstream resolves names, so a rule by address counts only where the client"
            " names an address"
        )


def mitmproxys(found: Beside, names: Iterable[str], port: int) -> str | None:
    """What mitmproxy does to hosts (names and addresses of one connection) that our rules leave to it."""
    subjects = [f"{name}:{port}" for name in names if name]
    if found.allow_hosts:
        allowed = _first(found.allow_hosts, subjects)
        if allowed is None and not found.cut:
            return "allow_hosts of the proxy does not name it: it passes uninspected"
    ignored = _first(found.ignore_hosts, subjects)
    if ignored is not None:
        return f"ignore_hosts of the proxy ({ignored}) matches it first: it passes uninspected"
    raw = _first(found.tcp_hosts, subjects)
    if raw is not None:
        return f"tcp_hosts of the proxy ({raw}) matches it: it is decrypted, but not read as HTTP"
    if found.cut:
        return "the proxy has too many patterns in ignore_hosts or allow_hosts to tell from here"
    return None


def _first(patterns: Iterable[str], subjects: list[str]) -> str | None:
    """The first that is found in any, in linear time: a pattern is whatever stands in the store."""
    for pattern in patterns:
        try:
            compiled = re2.compile(f"(?i){pattern}", _quiet())
        except re2.error:
            continue  # lookarounds and back-references: mitmproxy alone can tell
        if any(compiled.search(one) for one in subjects):
            return pattern
    return None


def _quiet() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    return options


def _some(patterns: tuple[str, ...]) -> str:
    more = f" and {len(patterns) - 3} more" if patterns[3:] else ""
    return ", ".join(patterns[:3]) + more
