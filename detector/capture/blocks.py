"""pcapng taken apart into blocks and put together again, without a bit of a time lost.

Rules
-----
1. A block is copied as it stands, in the byte order of its section: so times, interfaces, link types, flags and whatever
   options there are stay exact. What is added is a comment. A classic pcap becomes a section with one interface.
2. Packets are counted as `packet_file` counts them, damaged files included: the number of a packet is what a connection
   is called by.
3. Statistics, journals and what nobody knows are left out: they are about the whole capture.

Sources: draft-ietf-opsawg-pcapng sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import Struct

import msgspec

from detector.capture.packet_file import CHUNK, MAX_BLOCK, PacketFile, Read

SECTION, INTERFACE, OLD_PACKET, SIMPLE, NAMES, PACKET, SECRETS = 0x0A0D0D0A, 1, 2, 3, 4, 6, 10
TLS_KEY_LOG = 0x544C534B
_MAGIC = b"\x0a\x0d\x0d\x0a"
_MAX_INTERFACES = 1024
_COMMENT, _END, _RESOLUTION, _FRAME_CHECK = 1, 0, 9, 13
_LONGEST_COMMENT = 2048
_UNKNOWN_SIZE = b"\xff" * 8
_PCAP_ORDERS = {
    b"\xd4\xc3\xb2\xa1": ("<", 6),
    b"\xa1\xb2\xc3\xd4": (">", 6),
    b"\x4d\x3c\xb2\xa1": ("<", 9),
    b"\xa1\xb2\x3c\x4d": (">", 9),
}


class Block(msgspec.Struct, frozen=True):
    """One block.

    Attributes:
        kind: its type; a packet of whatever kind is PACKET, or SIMPLE.
        order: byte order of its section.
        body: what stands between its two lengths.
        link, frame: of a packet: the link type, and where in `body` the frame begins and ends.

    """

    kind: int
    order: str
    body: bytes
    link: int = -1
    frame: tuple[int, int] = (0, 0)


def encode(block: Block, comments: Sequence[str] = ()) -> bytes:
    """The block as it is written; a packet with `comments` before its other options."""
    body = block.body
    if comments and block.kind == PACKET:
        head = Struct(f"{block.order}5I")
        captured = head.unpack_from(body)[3]
        at = head.size + captured + -captured % 4
        added = b"".join(_option(block.order, _COMMENT, _comment(text)) for text in comments)
        rest = body[at:]
        body = body[:at] + added + (rest or _option(block.order, _END, b""))
    size = Struct(f"{block.order}I").pack(len(body) + 12)
    return Struct(f"{block.order}I").pack(block.kind) + size + body + size


def blocks(read: Read) -> Iterator[Block]:
    """Sections, interfaces, names, secrets and packets of a capture of either form, in order.

    Raises CaptureError where it is none.
    """
    start = b""
    while len(start) < 24 and (more := read(24 - len(start))):
        start += more
    again = _Again(start, read)
    if start[:4] == _MAGIC:
        yield from _of_pcapng(again.read)
    else:
        yield from _of_pcap(start, PacketFile(again.read))


class _Again:
    """A `read` that begins with what was read before."""

    def __init__(self, start: bytes, read: Read) -> None:
        self._start, self._read = start, read

    def read(self, size: int) -> bytes:
        if self._start:
            found, self._start = self._start[:size], self._start[size:]
            return found
        return self._read(size)


def key_log_block(order: str, lines: Sequence[bytes]) -> Block:
    """Secrets for the packets that follow."""
    text = b"".join(line + b"\n" for line in lines)
    head = Struct(f"{order}II").pack(TLS_KEY_LOG, len(text))
    return Block(SECRETS, order, head + text + bytes(-len(text) % 4))


def key_log_lines(block: Block) -> list[bytes]:
    """Lines of a TLS key log in a block of secrets; none of other secrets."""
    if len(block.body) < 8:
        return []
    sort, size = Struct(f"{block.order}II").unpack_from(block.body)
    return block.body[8 : 8 + size].splitlines() if sort == TLS_KEY_LOG else []


def _of_pcap(start: bytes, packets: PacketFile) -> Iterator[Block]:
    order, digits = _PCAP_ORDERS[start[:4]]
    snaplen, link = Struct(f"{order}II").unpack_from(start, 16)
    head = Struct(f"{order}4I").unpack_from
    yield _section(order, b"")
    options = _option(order, _RESOLUTION, bytes((digits,)))
    if link >> 26 & 1:  # the upper bits say how many 16-bit units of check sequence end a frame
        options += _option(order, _FRAME_CHECK, bytes((min((link >> 28) * 16, 255),)))
    fields = Struct(f"{order}HHI").pack(link & 0xFFFF, 0, snaplen)
    yield Block(INTERFACE, order, fields + options + _option(order, _END, b""))
    for _, kind, buffer, first, last, _ in packets:
        seconds, part, _, whole = head(buffer, first - 16)
        ticks = seconds * 10**digits + part
        captured = last - first
        fields = Struct(f"{order}5I").pack(0, ticks >> 32, ticks & 0xFFFFFFFF, captured, whole)
        body = fields + buffer[first:last] + bytes(-captured % 4)
        yield Block(PACKET, order, body, kind, (20, 20 + captured))


def _of_pcapng(read: Read) -> Iterator[Block]:
    order = "<"
    links: list[int] = []
    buffer, at = read(CHUNK), 0
    while True:
        if len(buffer) - at < 12:
            buffer, at = _more(read, buffer[at:], 12), 0
            if len(buffer) < 12:
                return
        if buffer[at : at + 4] == _MAGIC:
            order = ">" if buffer[at + 8 : at + 12] == b"\x1a\x2b\x3c\x4d" else "<"
            links = []
        kind, length = Struct(f"{order}II").unpack_from(buffer, at)
        if length < 12 or length % 4 or length > MAX_BLOCK:
            buffer, at = _next_section(read, buffer, at + 1)
            continue
        if len(buffer) - at < length:
            buffer, at = _more(read, buffer[at:], length), 0
            if len(buffer) < length:
                return
        body = buffer[at + 8 : at + length - 4]
        found = _block(kind, order, body, links)
        if found is not None:
            yield found
        at += length


def _block(kind: int, order: str, body: bytes, links: list[int]) -> Block | None:
    if kind in (PACKET, OLD_PACKET) and len(body) >= 20:
        number, high, low, captured, whole = Struct(f"{order}5I").unpack_from(body)
        if kind == OLD_PACKET:  # 16 bits of the interface, 16 of how many were dropped
            number = number >> 16 if order == ">" else number & 0xFFFF
        if number >= len(links) or 20 + captured > len(body):
            return None
        if kind == OLD_PACKET:
            body = Struct(f"{order}5I").pack(number, high, low, captured, whole) + body[20:]
        return Block(PACKET, order, body, links[number], (20, 20 + captured))
    if kind == SIMPLE and links and len(body) >= 4:
        whole = Struct(f"{order}I").unpack_from(body)[0]
        return Block(SIMPLE, order, body, links[0], (4, min(len(body), 4 + whole)))
    if kind == INTERFACE and len(body) >= 8 and len(links) < _MAX_INTERFACES:
        links.append(Struct(f"{order}H").unpack_from(body)[0])
        return Block(INTERFACE, order, body)
    if kind == SECTION:
        return _section(order, body[16:])
    return Block(kind, order, body) if kind in (NAMES, SECRETS) else None


def _section(order: str, options: bytes) -> Block:
    """A section whose size is not told: it is another one than before."""
    head = Struct(f"{order}IHH").pack(0x1A2B3C4D, 1, 0)
    return Block(SECTION, order, head + _UNKNOWN_SIZE + options)


def _next_section(read: Read, buffer: bytes, at: int) -> tuple[bytes, int]:
    """Blocks have no mark to find them by; sections have."""
    while (found := buffer.find(_MAGIC, at)) < 0:
        more = read(CHUNK)
        if not more:
            return b"", 0
        buffer, at = buffer[-3:] + more, 0
    return buffer, found


def _more(read: Read, have: bytes, size: int) -> bytes:
    parts, count = [have], len(have)
    while count < size and (more := read(max(CHUNK, size - count))):
        parts.append(more)
        count += len(more)
    return b"".join(parts)


def _option(order: str, code: int, value: bytes) -> bytes:
    return Struct(f"{order}HH").pack(code, len(value)) + value + bytes(-len(value) % 4)


def _comment(text: str) -> bytes:
    """UTF-8, cut between two characters."""
    return text.encode("utf-8", "replace")[:_LONGEST_COMMENT].decode("utf-8", "ignore").encode()
