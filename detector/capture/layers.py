"""From a captured frame to the transport's header: link types, tunnels, IP, fragments.

Theory of operation
-------------------
`Layers.unpack` peels one frame: link header, VLAN tags, PPPoE, MPLS, IPv4 with options, IPv6 with extension
headers, and tunnels, one in another a few times. Fragments are kept until they are whole. What is not TCP or UDP
over IP is None.

IPv6: RFC 8200 section 4.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError  # noqa: N812

from detector.capture.fragments import Fragments
from detector.capture.links import network
from detector.capture.tunnels import Inside, in_datagram, in_gre

TCP, UDP = 6, 17

_MAX_DEPTH = 6
_EXTENSIONS = (0, 43, 60, 135, 139, 140)  # hop-by-hop, routing, destination, mobility, HIP, shim6
_U16 = Struct(">H").unpack_from

# Protocol, addresses and ports as one key, TTL, the buffer (another one when fragments were joined),
# where the transport's header starts, where the captured bytes end, and where they end on the wire.
Unpacked = tuple[int, bytes, int, bytes, int, int, int]


class Layers:
    """Unpacks frames; keeps the fragments of datagrams that are not whole yet."""

    def __init__(self, fragments: Fragments | None = None) -> None:
        self._fragments = fragments if fragments is not None else Fragments()

    @property
    def fragments_lost(self) -> int:
        """Datagrams that were never whole."""
        return self._fragments.lost

    def unpack(self, link: int, buffer: bytes, start: int, end: int) -> Unpacked | None:
        """Protocol, key (source, destination, ports), TTL, buffer, start of the transport header,
        where the captured bytes end, where they end on the wire; None for what is neither TCP nor UDP.
        """
        try:
            found = network(link, buffer, start, end)
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
            data = buffer[at + header : min(stop, end)]
            whole = self._fragments.add(key, (place & 0x1FFF) * 8, data, more=bool(place & 0x2000))
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
                    data = buffer[here + 8 : min(stop, end)]
                    whole = self._fragments.add(key, place & 0xFFF8, data, more=bool(place & 1))
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
            inside = in_datagram(buffer, at, end, addresses, self._fragments)
            if inside is not None:
                return self._carried(inside, depth)
        elif protocol in (4, 41):  # IP in IP
            return self._ip(buffer, at, end, depth + 1)
        elif protocol == 47:
            inside = in_gre(buffer, at, end)
            return self._carried(inside, depth) if inside is not None else None
        else:
            return None
        return protocol, addresses + buffer[at : at + 4], ttl, buffer, at, end, stop

    def _carried(self, inside: Inside, depth: int) -> Unpacked | None:
        at = network(inside.link, inside.buffer, inside.at, inside.end)
        return None if at is None else self._ip(inside.buffer, at, inside.end, depth + 1)
