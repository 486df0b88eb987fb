"""What a tunnel carries: VXLAN, Geneve, GTP-U, CAPWAP, Teredo, TZSP, GRE with ERSPAN and PPTP.

Theory of operation
-------------------
A port says little: anybody may use it. So a header has to hold as a whole, lengths included, or the datagram is
taken for what it is without the tunnel. What a tunnel encrypts is passed over.

Sources: VXLAN RFC 7348 and its GPE draft; Geneve RFC 8926; GTP-U 3GPP TS 29.281 section 5; CAPWAP RFC 5415 section
4.3; Teredo RFC 4380 section 5.1.1; GRE RFC 2784, 2890, in UDP RFC 8086; PPTP RFC 2637 section 4.1; ERSPAN
draft-foschiano-erspan; TZSP as Wireshark's wiki has it.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

from detector.capture.fragments import Fragments
from detector.capture.links import ETHERNET, PPP, RAW, TYPE_IPV4, TYPE_IPV6, WIFI

_BRIDGED = 0x6558  # transparent Ethernet bridging
_PPTP, _ERSPAN, _ERSPAN_3, _ARUBA = 0x880B, 0x88BE, 0x22EB, range(0x8200, 0x8210)
_U16 = Struct(">H").unpack_from


class Inside(NamedTuple):
    """What is carried: its link type, and where it is. `buffer` is another one where pieces were joined."""

    link: int
    buffer: bytes
    at: int
    end: int


def in_datagram(
    buffer: bytes, at: int, end: int, addresses: bytes, fragments: Fragments
) -> Inside | None:
    """What a UDP datagram carries, whose header is at `at`; None where it is no tunnel's, or not whole yet.

    Raises IndexError and struct.error for what is cut.
    """
    source, to = _U16(buffer, at)[0], _U16(buffer, at + 2)[0]
    if _CAPWAP in (source, to):
        key = b"capwap" + addresses + buffer[at : at + 4]
        return _capwap(buffer, at + 8, end, key, fragments)
    opened = _BY_PORT.get(to) or _BY_SOURCE.get(source)
    # The payload's size as UDP has it.
    return opened(buffer, at + 8, end, _U16(buffer, at + 4)[0] - 8) if opened is not None else None


def in_gre(buffer: bytes, at: int, end: int) -> Inside | None:
    """What a GRE header at `at` carries; None for other protocols, and for what is encrypted."""
    flags, kind = _U16(buffer, at)[0], _U16(buffer, at + 2)[0]
    here = at + 4 + 4 * sum(bool(flags & bit) for bit in (0x8000, 0x2000, 0x1000))
    if kind == _PPTP and flags & 7 == 1:
        here += 4 if flags & 0x0080 else 0
        return Inside(PPP, buffer, here, end)
    if kind == _BRIDGED:
        return Inside(ETHERNET, buffer, here, end)
    if kind in (TYPE_IPV4, TYPE_IPV6):
        return Inside(RAW, buffer, here, end)
    if kind == _ERSPAN:  # type I has no header of its own, and no sequence number
        return Inside(ETHERNET, buffer, here + 8 if flags & 0x1000 else here, end)
    if kind == _ERSPAN_3:
        return Inside(ETHERNET, buffer, here + (20 if buffer[here + 11] & 1 else 12), end)
    if kind in _ARUBA:
        return Inside(WIFI, buffer, here, end)
    return None


def _vxlan(buffer: bytes, at: int, end: int, _: int) -> Inside | None:
    return Inside(ETHERNET, buffer, at + 8, end) if buffer[at] & 8 and end - at > 22 else None


def _vxlan_gpe(buffer: bytes, at: int, end: int, _: int) -> Inside | None:
    links = {1: RAW, 2: RAW, 3: ETHERNET}
    link = links.get(buffer[at + 3]) if buffer[at] & 0x3C == 0x0C else None
    return Inside(link, buffer, at + 8, end) if link is not None else None


def _geneve(buffer: bytes, at: int, end: int, size: int) -> Inside | None:
    options = (buffer[at] & 0x3F) * 4
    kind = _U16(buffer, at + 2)[0]
    link = {_BRIDGED: ETHERNET, TYPE_IPV4: RAW, TYPE_IPV6: RAW}.get(kind)
    if buffer[at] & 0xC0 or link is None or 8 + options > size:
        return None
    return Inside(link, buffer, at + 8 + options, end)


def _gtp_u(buffer: bytes, at: int, end: int, size: int) -> Inside | None:
    """A G-PDU of version 1 with its optional fields and extension headers."""
    flags, length = buffer[at], _U16(buffer, at + 2)[0]
    if flags & 0xF8 != 0x30 or buffer[at + 1] != 0xFF or length + 8 > size:
        return None
    here = at + 8
    if flags & 7:
        following, here = buffer[here + 3], here + 4
        for _ in range(8):
            if not (flags & 4 and following):
                break
            units = buffer[here]
            if not units:
                return None
            here += 4 * units
            following = buffer[here - 1]
    return _if_ip(buffer, here, end)


def _teredo(buffer: bytes, at: int, end: int, size: int) -> Inside | None:
    here = at
    if buffer[here : here + 2] == b"\0\1":  # authentication
        here += 4 + buffer[here + 2] + buffer[here + 3] + 9
    if buffer[here : here + 2] == b"\0\0":  # where the client is seen from
        here += 8
    if buffer[here] >> 4 != 6 or 40 + _U16(buffer, here + 4)[0] > size - (here - at):
        return None
    return Inside(RAW, buffer, here, end)


def _tzsp(buffer: bytes, at: int, end: int, _: int) -> Inside | None:
    link = {1: ETHERNET, 18: WIFI}.get(_U16(buffer, at + 2)[0])
    if buffer[at] != 1 or buffer[at + 1] > 1 or link is None:
        return None
    here = at + 4
    for _ in range(64):
        tag = buffer[here]
        if tag == 1:
            return Inside(link, buffer, here + 1, end)
        here += 1 if tag == 0 else 2 + buffer[here + 1]
    return None


def _gre_in_udp(buffer: bytes, at: int, end: int, _: int) -> Inside | None:
    return in_gre(buffer, at, end) if not buffer[at + 1] & 7 else None


def _capwap(buffer: bytes, at: int, end: int, key: bytes, fragments: Fragments) -> Inside | None:
    """A data message, its pieces joined where the access point had to cut it (RFC 5415 sections 4.3 and 3.4)."""
    if buffer[at] or buffer[at + 3] & 0x08:  # another version, DTLS, or to keep the way open
        return None
    native, cut = buffer[at + 2] & 1, buffer[at + 3] & 0x80
    here = at + (buffer[at + 1] >> 3) * 4
    if here < at + 8 or here >= end:
        return None
    if cut:
        place, more = _U16(buffer, at + 6)[0] & 0xFFF8, not buffer[at + 3] & 0x40
        whole = fragments.add(key + buffer[at + 4 : at + 6], place, buffer[here:end], more=more)
        if whole is None:
            return None
        buffer, here, end = whole, 0, len(whole)
    return Inside(WIFI if native else ETHERNET, buffer, here, end)


def _if_ip(buffer: bytes, at: int, end: int) -> Inside | None:
    return Inside(RAW, buffer, at, end) if buffer[at] >> 4 in (4, 6) else None


_Opened = Callable[[bytes, int, int, int], Inside | None]
_CAPWAP = 5247
# By the port that is sent to; Teredo and CAPWAP answer from theirs.
_BY_PORT: dict[int, _Opened] = {
    2152: _gtp_u, 3544: _teredo, 4754: _gre_in_udp, 4789: _vxlan, 4790: _vxlan_gpe,
    6081: _geneve, 8472: _vxlan, 37008: _tzsp,
}  # fmt: skip
_BY_SOURCE: dict[int, _Opened] = {3544: _teredo}
