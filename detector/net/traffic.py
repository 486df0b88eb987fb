"""How many bytes this process sent and received: what our connections carried, and what carrying it costs.

Counted is the payload where sockets are read and written (`detector.net.stream`, `detector.net.fetch`, the sinks'
own connections). What IP and TCP add is reckoned, since nobody without rights can read it: two headers of 52 bytes a
segment of 1,400, and seven segments to open and close a connection. Names are resolved by the system: reckoned too.
"""

from __future__ import annotations

_SEGMENT = 1400
_HEADER = 52 * 2
CONNECTION = 7 * 52
NAME = 2 * 200


class Traffic:
    """Counters that only grow."""

    __slots__ = ("received", "sent")

    def __init__(self) -> None:
        self.sent = 0
        self.received = 0

    def out(self, size: int) -> None:
        """So many bytes were sent."""
        self.sent += size + _HEADER * -(-size // _SEGMENT)

    def came(self, size: int) -> None:
        """So many were received."""
        self.received += size + _HEADER * -(-size // _SEGMENT)

    def opened(self) -> None:
        """A connection was opened."""
        self.sent += CONNECTION // 2
        self.received += CONNECTION // 2

    def named(self) -> None:
        """A name was resolved."""
        self.sent += NAME // 2
        self.received += NAME // 2


TRAFFIC = Traffic()
