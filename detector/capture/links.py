"""From a frame of any link layer to the IP header in it: Ethernet, cooked, PPP, Wi-Fi, NFLOG, PKTAP.

Link types: https://www.tcpdump.org/linktypes.html. What is encrypted (Wi-Fi's protected frames) is passed over.
"""

from __future__ import annotations

from struct import Struct

ETHERNET, RAW, RAW_OPENBSD, IPV4, IPV6 = 1, 101, 12, 228, 229
NULL, LOOP, PPP, PPP_SERIAL, PPPOE, COOKED, COOKED_2 = 0, 108, 9, 50, 51, 113, 276
WIFI, RADIOTAP, PPI, NFLOG, PKTAP = 105, 127, 192, 239, 258

TYPE_IPV4, TYPE_IPV6 = 0x0800, 0x86DD
_VLANS, _PPPOE, _MPLS = (0x8100, 0x88A8, 0x9100), 0x8864, 0x8847
_AF_INET = 2
_AF_INET6 = (10, 23, 24, 28, 30)  # Linux, Windows, NetBSD, FreeBSD, Darwin
_SNAP = b"\xaa\xaa\x03\0\0\0"
_NFLOG_PAYLOAD = 9
_U16 = Struct(">H").unpack_from
_U32 = Struct(">I").unpack_from
_U16_LITTLE = Struct("<H").unpack_from
_U32_LITTLE = Struct("<I").unpack_from


def network(link: int, buffer: bytes, start: int, end: int, depth: int = 0) -> int | None:
    """Where the IP header starts, None for other protocols. Raises IndexError and struct.error for cut frames."""
    if link == ETHERNET:
        return _by_type(_U16(buffer, start + 12)[0], buffer, start + 14, end)
    if link in (RAW, RAW_OPENBSD, 14, IPV4, IPV6):
        return start
    if link in (NULL, LOOP):
        family = buffer[start : start + 4]
        number = int.from_bytes(family, "big" if family[:2] == b"\0\0" else "little")
        return start + 4 if number == _AF_INET or number in _AF_INET6 else None
    if link == COOKED:
        return _by_type(_U16(buffer, start + 14)[0], buffer, start + 16, end)
    if link == COOKED_2:
        return _by_type(_U16(buffer, start)[0], buffer, start + 20, end)
    if link in (PPP, PPP_SERIAL):
        return ppp(buffer, start)
    if link == PPPOE:
        return ppp(buffer, start + 6)
    if link == WIFI:
        return wifi(buffer, start, end)
    if link == RADIOTAP:
        return wifi(buffer, start + _U16_LITTLE(buffer, start + 2)[0], end)
    if link == NFLOG:
        return _nflog(buffer, start, end)
    if depth == 0 and link in (PPI, PKTAP):  # a header, and a link type of its own
        size, inner = (
            (_U16_LITTLE(buffer, start + 2)[0], _U32_LITTLE(buffer, start + 4)[0])
            if link == PPI
            else (_U32_LITTLE(buffer, start)[0], _U32_LITTLE(buffer, start + 8)[0])
        )
        return network(inner, buffer, start + size, end, 1) if size >= 8 else None
    return None


def ppp(buffer: bytes, at: int) -> int | None:
    """Behind a PPP header, address and control left out or not (RFC 1661 section 6.6)."""
    if buffer[at : at + 2] == b"\xff\x03":
        at += 2
    if buffer[at] & 1:  # the protocol in one byte (section 6.5)
        return at + 1 if buffer[at] in (0x21, 0x57) else None
    return at + 2 if _U16(buffer, at)[0] in (0x0021, 0x0057) else None


def wifi(buffer: bytes, at: int, end: int) -> int | None:
    """Behind the header of a data frame that is not protected (IEEE 802.11-2020 section 9.2.4.1).

    Cisco's controllers swap the two bytes of the frame control field: both orders are tried.
    """
    for control, flags in ((buffer[at], buffer[at + 1]), (buffer[at + 1], buffer[at])):
        if control & 0x0F != 0x08 or control & 0x40 or flags & 0x40:
            continue  # no data frame, one without data, a protected one
        size = 24 + (6 if flags & 3 == 3 else 0)  # a fourth address between access points
        if control & 0x80:
            size += 2 + (4 if flags & 0x80 else 0)  # QoS, HT control
        for pad in (0, -size % 4):  # some drivers align what follows
            here = at + size + pad
            if buffer[here : here + 6] == _SNAP:
                return _by_type(_U16(buffer, here + 6)[0], buffer, here + 8, end)
    return None


def _by_type(kind: int, buffer: bytes, at: int, end: int) -> int | None:
    for _ in range(4):
        if kind in _VLANS and end - at >= 4:
            kind, at = _U16(buffer, at + 2)[0], at + 4
        else:
            break
    if kind in (TYPE_IPV4, TYPE_IPV6):
        return at
    if kind == _PPPOE:
        return ppp(buffer, at + 6)
    if kind == _MPLS:
        for _ in range(8):
            label = _U32(buffer, at)[0]
            at += 4
            if label & 0x100:
                return at
    return None


def _nflog(buffer: bytes, start: int, end: int) -> int | None:
    """The payload among netfilter's attributes: length, type, value, on a boundary of four bytes."""
    at = start + 4
    for _ in range(32):
        size, kind = _U16_LITTLE(buffer, at)[0], _U16_LITTLE(buffer, at + 2)[0]
        if kind & 0x7FFF == _NFLOG_PAYLOAD:
            return at + 4 if at + 4 < end else None
        if size < 4:
            return None
        at += size + (-size % 4)
    return None
