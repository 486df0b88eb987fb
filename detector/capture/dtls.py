"""DTLS: records and handshake fragments of one direction (RFC 6347, RFC 9147).

The messages that come out are shaped as TLS has them: the ClientHello without its cookie.
"""

from __future__ import annotations

from detector.errors import WireError
from detector.wire.reader import Reader
from detector.wire.records import ALERT, CHANGE_CIPHER_SPEC, HANDSHAKE

_VERSIONS = (0xFEFF, 0xFEFD, 0xFEFC)
_MAX_MESSAGE = 1 << 17
_MAX_MESSAGES = 32


def may_be_dtls(datagram: bytes) -> bool:
    """A ClientHello in clear."""
    return (
        len(datagram) > 25
        and datagram[0] == HANDSHAKE
        and int.from_bytes(datagram[1:3]) in _VERSIONS
        and datagram[3:5] == b"\0\0"
        and datagram[13] == 1
    )


class DtlsReader:
    """One direction. `messages` and `alerts` as a half of a TCP connection has them."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, bytes]] = []
        self.alerts: list[tuple[int, int]] = []
        self.ccs = False
        self.opaque = 0
        self.error = ""
        self._parts: dict[int, _Message] = {}

    def feed(self, datagram: bytes) -> None:
        """Read the records of one datagram. Never raises."""
        read = Reader(datagram)
        try:
            while read.left:
                if datagram[read.at] & 0xE0 == 0x20:  # the unified header of DTLS 1.3: encrypted
                    self.opaque += 1
                    return
                kind = read.uint(1, "content type")
                if read.uint(2, "version") not in _VERSIONS:
                    return
                epoch = read.uint(2, "epoch")
                read.take(6, "sequence number")
                body = read.vector(2, "record")
                if epoch:
                    self.opaque += 1
                elif kind == HANDSHAKE:
                    while body.left:
                        self._fragment(body)
                elif kind == ALERT and body.left == 2:
                    self.alerts.append((body.uint(1, "level"), body.uint(1, "description")))
                elif kind == CHANGE_CIPHER_SPEC:
                    self.ccs = True
        except WireError as error:
            self.error = error.message

    def _fragment(self, read: Reader) -> None:
        kind = read.uint(1, "message type")
        size = read.uint(3, "message length")
        number = read.uint(2, "message number")
        offset = read.uint(3, "fragment offset")
        data = read.vector(3, "fragment").rest()
        if size > _MAX_MESSAGE or offset + len(data) > size:
            raise WireError("DTLS fragment outside of its message", read.base + read.at)
        if number not in self._parts and len(self._parts) >= _MAX_MESSAGES:
            return
        message = self._parts.setdefault(number, _Message(size))
        if message.add(offset, data):
            body = bytes(message.body)
            self.messages.append((kind, _without_cookie(body) if kind == 1 else body))


class _Message:
    __slots__ = ("body", "done", "filled")

    def __init__(self, size: int) -> None:
        self.body = bytearray(size)
        self.filled: list[tuple[int, int]] = []
        self.done = False

    def add(self, offset: int, data: bytes) -> bool:
        """True when this made it whole."""
        if self.done or len(self.filled) > 256:
            return False
        self.body[offset : offset + len(data)] = data
        self.filled = sorted([*self.filled, (offset, offset + len(data))])
        reach = 0
        for start, end in self.filled:
            if start > reach:
                return False
            reach = max(reach, end)
        self.done = reach >= len(self.body)
        return self.done


def _without_cookie(body: bytes) -> bytes:
    """ClientHello of RFC 6347 section 4.2.1 as TLS writes it."""
    read = Reader(body)
    read.take(34, "version and random")
    read.vector(1, "session id")
    start = read.at
    read.vector(1, "cookie")
    return body[:start] + read.rest()
