"""Captures with lengths that are not true, flows without end, and pieces that overlap."""

from __future__ import annotations

import os
import struct

from detector.wire.records import ALERT, HANDSHAKE, encode_record
from tests.capture import packets as p
from tests.hostile.files.written import holding

_HEAD = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
_SECTION = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)


def _frame(n: int, payload: bytes, flags: int = p.PSH | p.ACK, seq: int = 1) -> bytes:
    source = f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
    return p.ethernet(p.tcp(source, p.SERVER, (40_000, 443), seq, 1, flags, payload))


def hello() -> bytes:
    """An honest one, of a hello that nobody answers."""
    return p.pcap(
        [_frame(1, b"", p.SYN, 0), _frame(1, encode_record(HANDSHAKE, b"\x01\0\0\x26" + bytes(38)))]
    )


def _flows() -> bytes:
    hello = encode_record(HANDSHAKE, b"\x01\x00\xff\xff" + bytes(100))
    return p.pcap(_frame(n, hello) for n in range(20_000))


def _crumbs() -> bytes:
    """One connection, a byte a packet, every second one missing, then all of them again."""
    data = os.urandom(4000)
    order = [*range(0, 4000, 2), *range(3999, 0, -1)]
    return p.pcap(_frame(1, data[n : n + 1], seq=1 + n) for n in order)


def _alerts() -> bytes:
    alerts = encode_record(ALERT, b"\x01\x5a") * 200
    return p.pcap(_frame(1, alerts, seq=1 + n * len(alerts)) for n in range(1000))


def _overlaps() -> bytes:
    """Sixteen views of the same kilobytes."""
    return p.pcap(_frame(1, os.urandom(1400), seq=1 + n % 977 * 7) for n in range(5000))


KINDS = {
    "flows.pcap": holding("flows.pcap", _flows),
    "crumbs.pcap": holding("crumbs.pcap", _crumbs),
    "alerts.pcap": holding("alerts.pcap", _alerts),
    "overlaps.pcap": holding("overlaps.pcap", _overlaps),
    "lie.pcap": holding("lie.pcap", lambda: _HEAD + struct.pack("<IIII", 0, 0, 1 << 31, 1 << 31)),
    "zero.pcap": holding("zero.pcap", lambda: _HEAD + bytes(16) * 200_000),
    "lie.pcapng": holding("lie.pcapng", lambda: _SECTION + struct.pack("<II", 6, 0xFFFFFFF0)),
    "short.pcapng": holding("short.pcapng", lambda: _SECTION + struct.pack("<II", 6, 4) * 1000),
    "sections.pcapng": holding("sections.pcapng", lambda: _SECTION * 100_000),
    "interfaces.pcapng": holding(
        "interfaces.pcapng", lambda: _SECTION + struct.pack("<IIHHII", 1, 20, 1, 0, 0, 20) * 200_000
    ),
}
