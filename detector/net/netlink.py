"""The kernel's own word on links, addresses, routes and neighbours (netlink(7), rtnetlink(7)): asked and heard, never
told anything.

Messages of anybody but the kernel are dropped. An answer is read up to MOST bytes and within SECONDS: a router's full
table is nothing that this machine's default way is looked for in.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator
from types import TracebackType
from typing import NamedTuple, Self

ROUTE, GENERIC = 0, 16
# Groups of RTMGRP_*: link, neighbours, IPv4 addresses and routes, IPv6 addresses and routes.
LINK, NEIGHBOUR, ADDRESS4, ROUTE4, ADDRESS6, ROUTE6 = 0x1, 0x4, 0x10, 0x40, 0x100, 0x400
EVERYTHING = LINK | NEIGHBOUR | ADDRESS4 | ROUTE4 | ADDRESS6 | ROUTE6
MOST = 4 << 20
SECONDS = 1.0
_CHUNK = 64 << 10
_HEADER = struct.Struct("=IHHII")
_REQUEST, _DUMP = 0x1, 0x300
_NOOP, _ERROR, _DONE, _OVERRUN = 1, 2, 3, 4
_MOST_WAITING = 256


class Message(NamedTuple):
    """One message: its type, and what follows its header."""

    kind: int
    body: bytes


def messages(data: bytes) -> Iterator[Message]:
    """Those of one datagram; ends where its grammar does."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        if length < _HEADER.size or at + length > len(data):
            return
        yield Message(kind, data[at + _HEADER.size : at + length])
        at += (length + 3) & ~3


def is_there() -> bool:
    """Whether this system has it, and lets us."""
    try:
        _open(ROUTE, 0).close()
    except OSError:
        return False
    return True


def ask(kind: int, body: bytes, *, protocol: int = ROUTE, every: bool = True) -> list[Message]:
    """What the kernel answers; nothing where it does not know, or does not say so.

    Args:
        kind: type of the request, e.g. RTM_GETROUTE.
        body: what follows its header.
        protocol: ROUTE or GENERIC.
        every: all that there are (a dump), not one.

    """
    found: list[Message] = []
    try:
        with _open(protocol, 0) as asked:
            asked.settimeout(SECONDS)
            flags = _REQUEST | (_DUMP if every else 0)
            asked.sendto(_HEADER.pack(_HEADER.size + len(body), kind, flags, 1, 0) + body, (0, 0))
            size = 0
            while size < MOST:
                data, sender = asked.recvfrom(_CHUNK)
                if sender[0] != 0:
                    continue
                size += len(data)
                for one in messages(data):
                    if one.kind in (_DONE, _ERROR):
                        return found
                    if one.kind not in (_NOOP, _OVERRUN):
                        found.append(one)
                if not every:
                    return found
    except OSError:
        return found
    return found


class Listener:
    """`with Listener() as heard: loop.add_reader(heard.fileno(), ...)`. Raises OSError where there is none."""

    def __init__(self, groups: int = EVERYTHING) -> None:
        self._socket = _open(ROUTE, groups)
        self._socket.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._socket.close()

    def fileno(self) -> int:
        return self._socket.fileno()

    def heard(self) -> tuple[list[Message], bool]:
        """What waits, a bounded part of it; and whether some was lost because there was too much."""
        found: list[Message] = []
        for _ in range(_MOST_WAITING):
            try:
                data, sender = self._socket.recvfrom(_CHUNK)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno == errno.ENOBUFS:
                    return found, True
                raise
            if sender[0] == 0:
                found += messages(data)
        return found, False


def _open(protocol: int, groups: int) -> socket.socket:
    """Raises OSError."""
    family = getattr(socket, "AF_NETLINK", None)
    if family is None:
        raise OSError(errno.EAFNOSUPPORT, "no netlink on this system")
    opened = socket.socket(family, socket.SOCK_RAW, protocol)
    try:
        opened.bind((0, groups))
    except OSError:
        opened.close()
        raise
    return opened
