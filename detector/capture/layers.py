"""From a captured frame to the transport's header: link types, tunnels, IP, fragments.

Theory of operation
-------------------
`Layers.unpack` peels one frame: link header, VLAN tags, PPPoE, MPLS, IPv4 with options, IPv6 with extension
headers, and the tunnels GRE, IP in IP and VXLAN. Fragments are kept until they are whole, a bounded
number of them, the oldest given up first. What is not TCP or UDP over IP is None.

Link types: https://www.tcpdump.org/linktypes.html. IPv6: RFC 8200 section 4. GRE: RFC 2784, 2890.
VXLAN: RFC 7348.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError  # noqa: N812

ETHERNET, RAW, RAW_OPENBSD, IPV4, IPV6 = 1, 101, 12, 228, 229
NULL, LOOP, PPP, PPPOE, COOKED, COOKED_2 = 0, 108, 9, 51, 113, 276
TCP, UDP = 6, 17

_IPV4, _IPV6, _VLANS, _PPPOE, _MPLS = 0x0800, 0x86DD, (0x8100, 0x88A8, 0x9100), 0x8864, 0x8847
_AF_INET = 2
_AF_INET6 = (10, 23, 24, 28, 30)  # Linux, Windows, NetBSD, FreeBSD, Darwin
_VXLAN_PORTS = (4789, 8472)
_MAX_DEPTH = 6
_MAX_DATAGRAMS = 256
_MAX_PARTS = 64
_MAX_DATAGRAM = 1 << 16
_EXTENSIONS = (0, 43, 60, 135, 139, 140)  # hop-by-hop, routing, destination, mobility, HIP, shim6
_U16 = Struct(">H").unpack_from
_U32 = Struct(">I").unpack_from

# Protocol, addresses and ports as one key, TTL, the buffer (another one when fragments were joined),
# where the transport's header starts, where the captured bytes end, and where they end on the wire.
Unpacked = tuple[int, bytes, int, bytes, int, int, int]


class Layers:
    """Unpacks frames; keeps the fragments of datagrams that are not whole yet."""

    def __init__(self) -> None:
        self._partial: dict[bytes, _Datagram] = {}
        self.fragments_lost = 0

    def unpack(self, link: int, buffer: bytes, start: int, end: int) -> Unpacked | None:
        """Protocol, key (source, destination, ports), TTL, buffer, start of the transport header,
        where the captured bytes end, where they end on the wire; None for what is neither TCP nor UDP.
        """
        try:
            found = _network(link, buffer, start, end)
            if found is None:
                return None
            return self._ip(buffer, found, end, 0)
        except (IndexError, StructError):
            return None  # cut in the middle of a header

    def _ip(self, buffer: bytes, at: int, end: int, depth: int) -> Unpacked | None:
        if depth == _MAX_DEPTH:
            return None
        version = buffer[at] >> 4
        if version == 4:
            return self._ipv4(buffer, at, end, depth)
        return self._ipv6(buffer, at, end, depth) if version == 6 else None

    def _ipv4(self, buffer: bytes, at: int, end: int, depth: int) -> Unpacked | None:
        header = (buffer[at] & 15) * 4
        if header < 20 or end - at < header:
            return None
        total = _U16(buffer, at + 2)[0] or end - at  # 0 where the network card cuts the segments
        stop = at + total
        place = _U16(buffer, at + 6)[0]
        protocol = buffer[at + 9]
        addresses = buffer[at + 12 : at + 20]
        if place & 0x3FFF:
            key = addresses + bytes((protocol,)) + buffer[at + 4 : at + 6]
            whole = self._fragment(
                key, (place & 0x1FFF) * 8, bool(place & 0x2000),
                buffer[at + header : min(stop, end)],
            )  # fmt: skip
            if whole is None:
                return None
            return self._transport(
                protocol, addresses, buffer[at + 8], whole, 0, len(whole), len(whole), depth
            )
        return self._transport(
            protocol, addresses, buffer[at + 8], buffer, at + header, min(stop, end), stop,
            depth,
        )  # fmt: skip

    def _ipv6(self, buffer: bytes, at: int, end: int, depth: int) -> Unpacked | None:
        if end - at < 40:
            return None
        size = _U16(buffer, at + 4)[0]
        stop = at + 40 + size if size else end  # 0: a jumbogram, or segments not yet cut
        following, hops = buffer[at + 6], buffer[at + 7]
        addresses = buffer[at + 8 : at + 40]
        here = at + 40
        for _ in range(8):
            if following in _EXTENSIONS:
                following, here = buffer[here], here + 8 + buffer[here + 1] * 8
            elif following == 51:  # authentication header
                following, here = buffer[here], here + 8 + buffer[here + 1] * 4
            elif following == 44:
                place = _U16(buffer, here + 2)[0]
                inner = buffer[here]
                key = addresses + bytes((inner,)) + buffer[here + 4 : here + 8]
                if place & 0xFFF9:
                    whole = self._fragment(
                        key, place & 0xFFF8, bool(place & 1), buffer[here + 8 : min(stop, end)]
                    )
                    if whole is None:
                        return None
                    count = len(whole)
                    return self._transport(inner, addresses, hops, whole, 0, count, count, depth)
                following, here = inner, here + 8
            else:
                break
        return self._transport(
            following, addresses, hops, buffer, here, min(stop, end), stop, depth
        )

    def _transport(
        self, protocol: int, addresses: bytes, ttl: int, buffer: bytes, at: int,
        end: int, stop: int, depth: int,
    ) -> Unpacked | None:  # fmt: skip
        if protocol == TCP:
            if end - at < 20:
                return None
        elif protocol == UDP:
            if end - at < 8:
                return None
            if _U16(buffer, at + 2)[0] in _VXLAN_PORTS and buffer[at + 8] & 8 and end - at > 30:
                inner = _network(ETHERNET, buffer, at + 16, end)
                return None if inner is None else self._ip(buffer, inner, end, depth + 1)
        elif protocol in (4, 41):  # IP in IP
            return self._ip(buffer, at, end, depth + 1)
        elif protocol == 47:
            return self._gre(buffer, at, end, depth)
        else:
            return None
        return protocol, addresses + buffer[at : at + 4], ttl, buffer, at, end, stop

    def _gre(self, buffer: bytes, at: int, end: int, depth: int) -> Unpacked | None:
        flags, kind = _U16(buffer, at)[0], _U16(buffer, at + 2)[0]
        here = at + 4 + 4 * sum(bool(flags & bit) for bit in (0x8000, 0x2000, 0x1000))
        if kind == 0x6558:  # Ethernet inside
            inner = _network(ETHERNET, buffer, here, end)
            return None if inner is None else self._ip(buffer, inner, end, depth + 1)
        if kind in (_IPV4, _IPV6):
            return self._ip(buffer, here, end, depth + 1)
        return None

    def _fragment(self, key: bytes, place: int, more: bool, data: bytes) -> bytes | None:
        """The whole datagram once this was its last missing part."""
        found = self._partial.get(key)
        if found is None:
            if len(self._partial) >= _MAX_DATAGRAMS:
                del self._partial[next(iter(self._partial))]
                self.fragments_lost += 1
            found = self._partial[key] = _Datagram()
        if place + len(data) > _MAX_DATAGRAM or len(found.parts) >= _MAX_PARTS:
            del self._partial[key]
            self.fragments_lost += 1
            return None
        found.parts.setdefault(place, data)
        if not more:
            found.size = place + len(data)
        whole = found.joined()
        if whole is not None:
            del self._partial[key]
        return whole


class _Datagram:
    __slots__ = ("parts", "size")

    def __init__(self) -> None:
        self.parts: dict[int, bytes] = {}
        self.size = -1

    def joined(self) -> bytes | None:
        if self.size < 0:
            return None
        out = bytearray()
        for place in sorted(self.parts):
            if place > len(out):
                return None
            out += self.parts[place][len(out) - place :]
        return bytes(out[: self.size]) if len(out) >= self.size else None


def _network(link: int, buffer: bytes, start: int, end: int) -> int | None:
    """Where the IP header starts, None for other protocols."""
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
    if link == PPP:
        skip = 2 if buffer[start : start + 2] == b"\xff\x03" else 0
        return _ppp(buffer, start + skip)
    if link == PPPOE:
        return _ppp(buffer, start + 6)
    return None


def _by_type(kind: int, buffer: bytes, at: int, end: int) -> int | None:
    for _ in range(4):
        if kind in _VLANS and end - at >= 4:
            kind, at = _U16(buffer, at + 2)[0], at + 4
        else:
            break
    if kind in (_IPV4, _IPV6):
        return at
    if kind == _PPPOE:
        return _ppp(buffer, at + 6)
    if kind == _MPLS:
        for _ in range(8):
            label = _U32(buffer, at)[0]
            at += 4
            if label & 0x100:
                return at
    return None


def _ppp(buffer: bytes, at: int) -> int | None:
    kind = _U16(buffer, at)[0]
    return at + 2 if kind in (0x0021, 0x0057) else None
