"""Netlink's messages about links, addresses, routes and neighbours, read only as far as a default way needs (rtnetlink(7)).

Pure: bytes in, values out. What is malformed is left out; nothing is raised.
"""

from __future__ import annotations

import ipaddress
import struct
import sys
from collections.abc import Iterable, Iterator
from socket import AF_INET, AF_INET6
from typing import NamedTuple

from detector.net.netlink import Message

NEW_LINK, NEW_ADDRESS, NEW_ROUTE, NEW_NEIGHBOUR, DELETED_NEIGHBOUR = 16, 20, 24, 28, 29
GET_LINK, GET_ADDRESS, GET_ROUTE, GET_NEIGHBOUR = 18, 22, 26, 30
# ARPHRD_ETHER; wireless cards say the same.
ETHERNET = 1
MAIN = 254
_UP = 0x1 | 0x40  # IFF_UP, IFF_RUNNING
_UNICAST = 1
_FAILED_OR_WAITING = 0x20 | 0x01  # NUD_FAILED, NUD_INCOMPLETE
_LINK, _ADDRESS = struct.Struct("=BxHiII"), struct.Struct("=BBBBI")
_ROUTE, _NEIGHBOUR = struct.Struct("=BBBBBBBBI"), struct.Struct("=BxHiHBB")
_ATTRIBUTE, _NEXT_HOP = struct.Struct("=HH"), struct.Struct("=HBBi")
_MOST = 4096

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Link(NamedTuple):
    """An interface; `kind` is ARPHRD_*, `made` what made it (tun, wireguard, veth ...), empty for hardware."""

    number: int
    name: str
    kind: int
    up: bool
    made: str = ""


class Held(NamedTuple):
    """An address that an interface has."""

    device: int
    address: Address
    length: int


class Route(NamedTuple):
    """A way; `gateway` is None where the peer is on the link, or the link has no other end but one."""

    to: Address
    length: int
    gateway: Address | None
    device: int
    metric: int
    table: int


class Neighbour(NamedTuple):
    """Whose hardware address is known."""

    device: int
    address: Address
    hardware: bytes


class Ways(NamedTuple):
    """What the kernel says of where packets go."""

    links: tuple[Link, ...] = ()
    held: tuple[Held, ...] = ()
    routes: tuple[Route, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()


def read_ways(heard: Iterable[Message]) -> Ways:
    """All that is told, of each kind a bounded number."""
    links: list[Link] = []
    held: list[Held] = []
    routes: list[Route] = []
    neighbours: list[Neighbour] = []
    for one in heard:
        if one.kind == NEW_LINK and len(links) < _MOST:
            links += _link(one.body)
        elif one.kind == NEW_ADDRESS and len(held) < _MOST:
            held += _held(one.body)
        elif one.kind == NEW_ROUTE and len(routes) < _MOST:
            routes += _routes(one.body)
        elif one.kind == NEW_NEIGHBOUR and len(neighbours) < _MOST:
            neighbours += read_neighbour(one.body)
    return Ways(tuple(links), tuple(held), tuple(routes), tuple(neighbours))


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Types and values of a list of them (rtattr, nlattr); ends where its grammar does."""
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size or at + length > len(data):
            return
        yield kind & 0x3FFF, data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3


def _link(body: bytes) -> Iterator[Link]:
    if len(body) < _LINK.size:
        return
    _, kind, index, flags, _ = _LINK.unpack_from(body)
    found = dict(attributes(body[_LINK.size :]))
    made = dict(attributes(found.get(18, b""))).get(1, b"")
    yield Link(index, _text(found.get(3, b"")), kind, flags & _UP == _UP, _text(made))


def _text(data: bytes) -> str:
    return data[:64].rstrip(b"\0").decode("ascii", "replace")


def _held(body: bytes) -> Iterator[Held]:
    if len(body) < _ADDRESS.size:
        return
    family, length, _, _, device = _ADDRESS.unpack_from(body)
    found = dict(attributes(body[_ADDRESS.size :]))
    # Where both are there the first is the other end of a point-to-point link.
    address = _address(family, found.get(2) or found.get(1))
    if address is not None and length <= address.max_prefixlen:
        yield Held(device, address, length)


def _routes(body: bytes) -> Iterator[Route]:
    if len(body) < _ROUTE.size:
        return
    family, length, _, _, table, _, _, kind, _ = _ROUTE.unpack_from(body)
    if kind != _UNICAST or family not in (AF_INET, AF_INET6):
        return
    found = dict(attributes(body[_ROUTE.size :]))
    nowhere = bytes(4 if family == AF_INET else 16)
    to = _address(family, found.get(1, nowhere))
    if to is None or length > to.max_prefixlen:
        return
    metric, table = _number(found.get(6)), _number(found.get(15)) or table
    for device, gateway in _hops(family, found):
        yield Route(to, length, gateway, device, metric, table)


def _hops(family: int, found: dict[int, bytes]) -> Iterator[tuple[int, Address | None]]:
    if 9 not in found:
        yield _number(found.get(4)), _gateway(family, found)
        return
    data, at = found[9], 0
    while at + _NEXT_HOP.size <= len(data):  # several at once
        length, _, _, device = _NEXT_HOP.unpack_from(data, at)
        if length < _NEXT_HOP.size or at + length > len(data):
            return
        own = dict(attributes(data[at + _NEXT_HOP.size : at + length]))
        yield device, _gateway(family, own)
        at += (length + 3) & ~3


def _gateway(family: int, found: dict[int, bytes]) -> Address | None:
    if 5 in found:
        return _address(family, found[5])
    via = found.get(18, b"")  # RTA_VIA: of another family, as IPv4 over an IPv6 router
    return _address(int.from_bytes(via[:2], sys.byteorder), via[2:]) if via else None


def read_neighbour(body: bytes) -> Iterator[Neighbour]:
    """The one of a message, where its hardware address is known."""
    if len(body) < _NEIGHBOUR.size:
        return
    family, _, device, state, _, _ = _NEIGHBOUR.unpack_from(body)
    found = dict(attributes(body[_NEIGHBOUR.size :]))
    address = _address(family, found.get(1))
    hardware = found.get(2, b"")
    if address is not None and any(hardware) and not state & _FAILED_OR_WAITING:
        yield Neighbour(device, address, hardware[:32])


def _address(family: int, data: bytes | None) -> Address | None:
    if data is not None and family == AF_INET and len(data) == 4:
        return ipaddress.IPv4Address(data)
    if data is not None and family == AF_INET6 and len(data) == 16:
        return ipaddress.IPv6Address(data)
    return None


def _number(data: bytes | None) -> int:
    return int.from_bytes(data, sys.byteorder) if data and len(data) == 4 else 0
