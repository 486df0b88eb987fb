"""Blocks of several captures, or of several sections, as one section: what most readers of pcapng take.

Interfaces are counted anew; one that is described like one of an earlier capture is the same. Only where the byte order
changes another section begins, for options of others cannot be turned around.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from msgspec.structs import replace

from detector.capture.blocks import INTERFACE, PACKET, SECTION, SIMPLE, Block, encode


class OneSection:
    """Gives what is to be written for each block; after a section its interfaces have to come before its packets."""

    def __init__(self) -> None:
        self._order = ""
        self._known: dict[tuple[bytes, int], int] = {}
        self._here: list[int] = []
        self._met: dict[bytes, int] = {}

    def put(self, block: Block, comments: Sequence[str] = ()) -> bytes:
        """Bytes for one block, perhaps none. `comments` are for packets."""
        if block.kind == SECTION:
            self._here, self._met = [], {}
            if block.order == self._order:
                return b""
            self._order, self._known = block.order, {}
            return encode(block)
        if block.kind == INTERFACE:
            return self._interface(block)
        number = Struct(f"{block.order}I")
        if block.kind == PACKET:
            own = self._here[number.unpack_from(block.body)[0]]
            block = replace(block, body=number.pack(own) + block.body[4:])
        elif block.kind == SIMPLE and self._here[0]:
            block = self._told(block)
        return encode(block, comments)

    def _interface(self, block: Block) -> bytes:
        """The second of two alike in one section is another one."""
        count = self._met[block.body] = self._met.get(block.body, 0) + 1
        known = self._known.get((block.body, count))
        fresh = known is None
        if known is None:
            known = self._known[block.body, count] = len(self._known)
        self._here.append(known)
        return encode(block) if fresh else b""

    def _told(self, block: Block) -> Block:
        """A simple packet belongs to the first interface; elsewhere it has to say where, and has no time to say."""
        first, last = block.frame
        whole = Struct(f"{block.order}I").unpack_from(block.body)[0]
        head = Struct(f"{block.order}5I").pack(self._here[0], 0, 0, last - first, whole)
        data = block.body[first:last]
        return Block(
            PACKET,
            block.order,
            head + data + bytes(-len(data) % 4),
            block.link,
            (20, 20 + len(data)),
        )
