"""How much of a capture was read, and what was lost on the way."""

from __future__ import annotations

import msgspec


class Tally(msgspec.Struct):
    """What was read, for the last line.

    Attributes:
        bytes: of the capture, as stored in it.
        flows: connections over TCP and UDP that were looked into.
        evicted: given up early because too many were open at once.
        skipped: bytes that made no sense.
        cut: the capture ends in the middle of a packet.

    """

    packets: int = 0
    other_packets: int = 0
    flows: int = 0
    evicted: int = 0
    skipped: int = 0
    fragments_lost: int = 0
    cut: bool = False
    first: float = 0.0
    last: float = 0.0
