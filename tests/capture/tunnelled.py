"""A packet as each tunnel and each link layer carries it: name -> link type of the file, and the frames."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

from tests.capture.packets import ethernet, ip, udp

OUTER = "198.51.100.1", "198.51.100.2"
_SNAP = b"\xaa\xaa\x03\0\0\0"
_NOT_SWAPPED = "-o", "capwap.swap_fc:FALSE"
_WIFI = bytes(22)  # duration, three addresses, sequence


class Carried(NamedTuple):
    """How a packet travels. `shark` are options that Wireshark needs to see it."""

    link: int
    frames: Callable[[bytes], list[bytes]]
    shark: tuple[str, ...] = ()


def _kind(packet: bytes) -> bytes:
    return b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\0"


def _in_udp(port: int, made: Callable[[bytes], bytes]) -> Carried:
    return Carried(1, lambda packet: [ethernet(udp(*OUTER, (40000, port), made(packet)))])


def _in_gre(made: Callable[[bytes], bytes]) -> Carried:
    return Carried(1, lambda packet: [ethernet(ip(*OUTER, 47, made(packet)))])


def _capwap(packet: bytes, *, control: bytes = b"\x88\x01") -> bytes:
    return b"\0\x10\x03\0" + bytes(4) + control + _WIFI + bytes(2) + _SNAP + _kind(packet) + packet


def _capwap_cut(packet: bytes) -> list[bytes]:
    whole = b"\x08\x01" + _WIFI + _SNAP + _kind(packet) + packet
    heads = (b"\0\x10\x03\x80\0\x07\0\0", b"\0\x10\x03\xc0\0\x07" + struct.pack(">H", 32))
    return [
        ethernet(udp(*OUTER, (5247, 40000), head + part))
        for head, part in zip(heads, (whole[:32], whole[32:]), strict=True)
    ]


def _gtp(packet: bytes) -> bytes:
    options = (
        b"\0\x05\0\x85" + b"\x01\x10\x01\0"
    )  # a PDU session container behind the sequence number
    body = options + packet
    return b"\x36\xff" + len(body).to_bytes(2, "big") + b"\0\0\0\x2a" + body


def _nflog(packet: bytes) -> list[bytes]:
    first = struct.pack("<HH", 8, 1) + _kind(packet) + bytes(2)
    payload = struct.pack("<HH", 4 + len(packet), 9) + packet + bytes(-len(packet) % 4)
    return [bytes((2 if packet[0] >> 4 == 4 else 10, 0, 0, 0)) + first + payload]


def _pktap(packet: bytes) -> list[bytes]:
    head = struct.pack("<III", 108, 1, 1) + b"en0".ljust(24, b"\0")
    return [head.ljust(108, b"\0") + ethernet(packet)]


WAYS = {
    "VXLAN": _in_udp(4789, lambda p: b"\x08\0\0\0\0\0\x01\0" + ethernet(p)),
    "VXLAN-GPE": _in_udp(4790, lambda p: b"\x0c\0\0\x01\0\0\x01\0" + p),
    "Geneve with options": _in_udp(
        6081, lambda p: b"\x02\0\x65\x58\0\0\x01\0" + b"\x01\x02\x03\x01" + bytes(4) + ethernet(p, (7,))
    ),
    "Geneve, IP inside": _in_udp(6081, lambda p: b"\0\0" + _kind(p) + b"\0\0\x01\0" + p),
    "GTP-U with an extension header": _in_udp(2152, _gtp),
    "GTP-U": _in_udp(2152, lambda p: b"\x30\xff" + len(p).to_bytes(2, "big") + bytes(4) + p),
    "CAPWAP, Wi-Fi frames with QoS": Carried(
        1, lambda p: [ethernet(udp(*OUTER, (40000, 5247), _capwap(p)))], _NOT_SWAPPED
    ),
    "CAPWAP, bytes swapped by Cisco": Carried(
        1,
        lambda packet: [
            ethernet(udp(*OUTER, (40000, 5247), _capwap(packet, control=b"\x01\x88")))
        ],
    ),
    "CAPWAP, Ethernet": _in_udp(5247, lambda p: b"\0\x10\x02\0" + bytes(4) + ethernet(p)),
    "CAPWAP in two pieces": Carried(1, _capwap_cut, _NOT_SWAPPED),
    "TZSP": _in_udp(37008, lambda p: b"\x01\0\0\x01" + b"\0\x0a\x01\x2d\x01" + ethernet(p)),
    "GRE in UDP": _in_udp(4754, lambda p: b"\x20\0" + _kind(p) + bytes(4) + p),
    "GRE with a key": _in_gre(lambda p: b"\x20\0" + _kind(p) + bytes(4) + p),
    "NVGRE": _in_gre(lambda p: b"\x20\0\x65\x58" + bytes(4) + ethernet(p)),
    "PPTP": _in_gre(
        lambda p: b"\x30\x81\x88\x0b" + len(p).to_bytes(2, "big") + bytes(10) + b"\xff\x03\0"
        + (b"\x57" if p[0] >> 4 == 6 else b"\x21") + p
    ),
    "ERSPAN I": _in_gre(lambda p: b"\0\0\x88\xbe" + ethernet(p)),
    "ERSPAN II": _in_gre(lambda p: b"\x10\0\x88\xbe" + bytes(4) + b"\x10\x01" + bytes(6) + ethernet(p)),
    "ERSPAN III": _in_gre(lambda p: b"\x10\0\x22\xeb" + bytes(4) + b"\x20\x01" + bytes(10) + ethernet(p)),
    "MPLS": Carried(1, lambda p: [bytes(12) + b"\x88\x47\0\x01\0\x40\0\x02\x01\x40" + p]),
    "Wi-Fi": Carried(105, lambda p: [b"\x08\x01" + _WIFI + _SNAP + _kind(p) + p]),
    "Wi-Fi between access points, radiotap": Carried(
        127, lambda p: [b"\0\0\x08\0" + bytes(4) + b"\x08\x03" + _WIFI + bytes(6) + _SNAP + _kind(p) + p]
    ),
    "NFLOG": Carried(239, _nflog),
    "PKTAP": Carried(258, _pktap),
    "PPP over a serial line": Carried(
        50, lambda p: [b"\xff\x03\0" + (b"\x57" if p[0] >> 4 == 6 else b"\x21") + p]
    ),
    "PPI": Carried(192, lambda p: [struct.pack("<BBHI", 0, 0, 8, 1) + ethernet(p)]),
    "a tunnel in a tunnel": _in_udp(
        4789,
        lambda p: b"\x08\0\0\0\0\0\x01\0" + ethernet(ip(*OUTER, 47, b"\0\0" + _kind(p) + p)),
    ),
}  # fmt: skip
