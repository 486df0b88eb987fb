"""How many bytes this process sent and received: what our connections carried, and what carrying it costs.

Counted is the payload where sockets are read and written: `detector.net.stream`, `detector.net.counted` under httpx,
`detector.net.nats_transport`. What IP and TCP add is reckoned, since nobody without rights can read it: two headers of
52 bytes a segment of 1,400, and seven segments to open and close a connection. Names are resolved by the system:
reckoned too, and so is what TLS adds where only its inside passes through our hands.
"""

from __future__ import annotations

import ssl

from detector.net.tls_object import sent_chain

_SEGMENT = 1400
_HEADER = 52 * 2
CONNECTION = 7 * 52
NAME = 2 * 200
# RFC 8446 section 5.2: header, type and tag of a record, at most 16 KiB in it.
_RECORD, _FRAME = 1 << 14, 22
# Of a handshake, without the chain: a hello with a hybrid key share and the end; hello, signature, end and two tickets.
_HELLO, _ANSWER = 1900, 2100


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

    def shook_hands(self, tls: ssl.SSLObject) -> None:
        """A handshake was completed that did not pass through our hands."""
        self.out(_HELLO)
        self.came(_ANSWER + sum(map(len, sent_chain(tls))))

    @staticmethod
    def sealed(size: int) -> int:
        """Bytes that so many become as records."""
        return size + _FRAME * -(-size // _RECORD)

    def named(self) -> None:
        """A name was resolved."""
        self.sent += NAME // 2
        self.received += NAME // 2


TRAFFIC = Traffic()
