"""The first packet of a connection, as the server's system kept it: IP and TCP headers (RFC 791, 8200, 9293). Pure.

A proxy that ends connections makes one of its own, so the packet is its system's: hops, window and the order of options
tell its kind. Who only forwards packets changes hops and, in tunnels, the segment size.
"""

from __future__ import annotations

import msgspec

from detector.errors import WireError
from detector.wire.reader import Reader

# Times to live with which systems send: the next higher one is taken for what it was.
_STARTS = (32, 64, 128, 255)
_OPTIONS = {0: "end", 1: "nop", 2: "mss", 3: "window-scale", 4: "sack", 8: "timestamps", 34: "fast-open", 30: "mptcp"}  # fmt: skip
_TCP = 6


class FirstPacket(msgspec.Struct, frozen=True):
    """What a SYN says of the system that sent it.

    Attributes:
        ttl: of IPv4, or the hop limit of IPv6, as it arrived.
        hops: routers that it passed, if it began at the next usual value.
        window: in bytes, unscaled.
        mss: the largest segment that it takes, None where it does not say.
        window_scale: shift of later windows (RFC 7323), None for none.
        timestamps, sack: whether it offers them.
        options: in their order, by name, else by number.
        dont_fragment: of IPv4.

    """

    ttl: int
    hops: int
    window: int
    mss: int | None
    window_scale: int | None
    timestamps: bool
    sack: bool
    options: tuple[str, ...]
    dont_fragment: bool


def first_packet(data: bytes) -> FirstPacket | None:
    """None for no headers, or such as make no sense."""
    try:
        return _read(Reader(data)) if data else None
    except WireError:
        return None


def _read(read: Reader) -> FirstPacket | None:
    first = read.uint(1, "version")
    fragment = 0
    if first >> 4 == 4:
        read.take(5, "IPv4 header")
        fragment = read.uint(2, "flags")
        ttl, protocol = read.uint(1, "ttl"), read.uint(1, "protocol")
        read.take(10 + max(0, (first & 15) * 4 - 20), "addresses")
    elif first >> 4 == 6:
        read.take(5, "IPv6 header")
        protocol, ttl = read.uint(1, "next header"), read.uint(1, "hop limit")
        read.take(32, "addresses")
    else:
        return None
    if protocol != _TCP:
        return None
    read.take(12, "ports and numbers")
    size = (read.uint(1, "data offset") >> 4) * 4
    read.take(1, "flags")
    window = read.uint(2, "window")
    read.take(4, "checksum and urgent pointer")
    options = _options(Reader(read.take(max(0, size - 20), "options")))
    mss, scale = options.get("mss"), options.get("window-scale")
    return FirstPacket(
        ttl, next(one for one in _STARTS if one >= ttl) - ttl, window,
        int.from_bytes(mss) if mss is not None else None,
        int.from_bytes(scale) if scale is not None else None,
        "timestamps" in options, "sack" in options, tuple(options), bool(fragment & 0x4000),
    )  # fmt: skip


def _options(read: Reader) -> dict[str, bytes]:
    """By name, in their order; each the first time. Raises WireError."""
    found: dict[str, bytes] = {}
    while read.left:
        kind = read.uint(1, "option")
        name = _OPTIONS.get(kind, str(kind))
        if kind == 0:
            break
        body = b""
        if kind != 1:
            size = read.uint(1, "option size")
            if size < 2:
                raise WireError("an option of less than two bytes", read.at)
            body = read.take(size - 2, "option")
        found.setdefault(name, body)
    return found
