"""The packets of some connections, cut out of a capture.

Theory of operation
-------------------
A capture is read twice: first its connections, then, once it is known which of them are wanted, their packets. A
connection is known by the place of its first packet and by how many packets it has; its addresses are those of the
packet in that place. From there on it is the next so many packets between these addresses that belong to it: when they
are used up, a later connection may have the same addresses. So no time is compared (clocks are set while a capture runs),
and for each wanted connection a few bytes are kept.

Fragments are held until their datagram is whole, which tells whose they are. Of key logs inside of the capture those
lines go along that name the session of a wanted connection.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterable, Iterator

import msgspec

from detector.capture.blocks import (
    INTERFACE,
    NAMES,
    SECRETS,
    SECTION,
    Block,
    key_log_block,
    key_log_lines,
)
from detector.capture.connection import Connection
from detector.capture.datagrams import turned
from detector.capture.fragments import Fragments
from detector.capture.layers import TCP, Layers
from detector.capture.links import ETHERNET
from detector.capture.one_section import OneSection

_RST = 4
_MAX_COMMENTS = 1 << 14
_MAX_HELD = 1024
_RANDOM = 32
_PIECE = 1 << 16
_MAX_LINES = 1 << 16
_NO_ALERT = 0


class Wanted:
    """Connections of one capture that are to be cut out; what is kept of each takes some 60 bytes.

    Args:
        most_comments: how many different comments are kept before short ones take their place.
        piece: how many connections are sorted at once.

    `missed` is how many of them `cut` has not found whole: the capture is another one than it was.

    """

    def __init__(self, *, most_comments: int = _MAX_COMMENTS, piece: int = _PIECE) -> None:
        self._most_comments, self._piece = most_comments, piece
        self.missed = 0
        self._starts = array("Q")
        self._counts = array("Q")
        self._comments = array("L")
        self._alerts = array("H")
        self._randoms = bytearray()
        self._texts: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._starts)

    def add(self, c: Connection, comment: str, short: str) -> None:
        """Want a connection.

        Args:
            c: the connection.
            comment: what its first packet is to say.
            short: the same in words that many connections share, for when there are too many others.

        """
        text = (
            comment if comment in self._texts or len(self._texts) < self._most_comments else short
        )
        fatal = c.fatal
        told = fatal is not None and fatal.code is not None and not fatal.encrypted
        self._starts.append(c.number)
        self._counts.append(c.packets)
        self._comments.append(self._texts.setdefault(text, len(self._texts)))
        self._alerts.append(1 + fatal.code if told and fatal and fatal.code else _NO_ALERT)
        self._randoms += c.random

    def in_order(self) -> Iterator[_Cut]:
        """Each, by its place in the capture."""
        texts = list(self._texts)
        for at in self._sorted():
            alert = self._alerts[at]
            yield _Cut(
                self._starts[at], self._counts[at], texts[self._comments[at]],
                alert - 1 if alert else None,
            )  # fmt: skip

    def _sorted(self) -> Iterator[int]:
        """Places in the arrays, sorted piece by piece: a million of integers as objects are 36 MB."""
        count, size = len(self._starts), self._piece
        pieces = (range(at, min(at + size, count)) for at in range(0, count, size))
        ordered = (array("L", sorted(piece, key=self._starts.__getitem__)) for piece in pieces)
        return heapq.merge(*ordered, key=self._starts.__getitem__)

    def sessions(self, lines: Iterable[bytes]) -> list[bytes]:
        """Those lines of a key log that name a wanted connection's session."""
        named: dict[bytes, list[bytes]] = {}
        for line in lines:
            words = line.split()
            if len(words) == 3 and len(words[1]) == 2 * _RANDOM and len(named) < _MAX_LINES:
                named.setdefault(words[1].lower(), []).append(line)
        found: list[bytes] = []
        for at in range(0, len(self._randoms) if named else 0, _RANDOM):
            found += named.pop(self._randoms[at : at + _RANDOM].hex().encode(), ())
        return found


class _Cut(msgspec.Struct):
    """One wanted connection: `left` packets of it are still to come."""

    number: int
    left: int
    comment: str
    alert: int | None
    reset: bool = False


def cut(source: Iterable[Block], wanted: Wanted, into: OneSection) -> Iterator[bytes]:
    """What is to be written: a pcapng of the wanted connections' packets.

    Args:
        source: the capture's blocks.
        wanted: its connections.
        into: what they are put into, and other captures' before.

    """
    layers = _Holding()
    starts = wanted.in_order()
    wanted.missed = len(wanted)
    following = next(starts, None)
    active: dict[bytes, _Cut] = {}
    place = 0
    for block in source:
        if block.kind == SECRETS:
            lines = wanted.sessions(key_log_lines(block))
            if lines:
                yield into.put(key_log_block(block.order, lines))
            continue
        if block.kind in (SECTION, INTERFACE, NAMES):
            yield into.put(block)
            continue
        place += 1
        if following is None and not active:
            return
        held: list[Block] = []
        found = _plain_tcp(block)
        if found is None:
            unpacked, held = layers.of(block)
            if unpacked is None:
                continue
            protocol, key, _, buffer, at, end, _ = unpacked
        else:
            protocol, (key, buffer, at, end) = TCP, found
        comments: list[str] = []
        while following is not None and following.number < place:
            following = next(starts, None)
        if following is not None and place == following.number:
            active[key] = active[turned(key)] = following
            comments.append(f"connection {following.number}: {following.comment}")
            following = next(starts, None)
        one = active.get(key)
        if one is None:
            continue
        one.left -= 1
        if one.left == 0:
            wanted.missed -= 1
            del active[key]
            active.pop(turned(key), None)
        if protocol == TCP:
            comments += _seen(one, buffer, at, end)
        for fragment in held:
            yield into.put(fragment)
        yield into.put(block, [f"tlsight: {comment}" for comment in comments])


def _plain_tcp(block: Block) -> tuple[bytes, bytes, int, int] | None:
    """Addresses and ports, buffer, where TCP's header begins, where the packet ends: of the case that the flow table
    takes by hand, and whose lengths it does not look at either.
    """
    body = block.body
    start, end = block.frame
    if block.link != ETHERNET or end - start <= 53:
        return None
    ip = start + 14
    kind = body[start + 12 : ip]
    if kind == b"\x08\x00":
        plain = body[ip] == 0x45 and body[ip + 9] == TCP
        if plain and not (body[ip + 6] & 0x3F or body[ip + 7]):
            return body[ip + 12 : ip + 24], body, ip + 20, end
    elif kind == b"\x86\xdd" and body[ip + 6] == TCP and end - ip >= 60:
        return body[ip + 8 : ip + 44], body, ip + 40, end
    return None


def _seen(one: _Cut, buffer: bytes, at: int, end: int) -> Iterator[str]:
    """What shows in this very segment."""
    if one.alert is not None:
        record = buffer.find(b"\x00\x02\x02" + bytes((one.alert,)), at, end)
        if record >= 3 and buffer[record - 3 : record - 1] == b"\x15\x03":
            one.alert = None
            yield f"connection {one.number}: this is the alert that ended it"
    if buffer[at + 13] & _RST and not one.reset:
        one.reset = True
        yield f"connection {one.number}: this reset cut it"


class _Holding(Fragments):
    """Fragments whose packets are kept until it is known what they are of."""

    def __init__(self) -> None:
        super().__init__()
        self._layers = Layers(self)
        self._held: dict[bytes, list[Block]] = {}
        self._count = 0
        self._block: Block | None = None
        self._whole: list[Block] = []

    def of(
        self, block: Block
    ) -> tuple[tuple[int, bytes, int, bytes, int, int, int] | None, list[Block]]:
        """What a packet is, as Layers.unpack has it, and the packets that held the rest of its datagram."""
        self._block, self._whole = block, []
        found = self._layers.unpack(block.link, block.body, *block.frame)
        return found, self._whole

    def add(self, key: bytes, place: int, data: bytes, *, more: bool) -> bytes | None:
        whole = super().add(key, place, data, more=more)
        if whole is not None:
            self._whole = self._held.pop(key, [])
            self._count -= len(self._whole)
        elif key in self and self._block is not None and self._count < _MAX_HELD:
            self._held.setdefault(key, []).append(self._block)
            self._count += 1
        else:
            for lost in [one for one in self._held if one not in self]:
                self._count -= len(self._held.pop(lost))
        return whole
