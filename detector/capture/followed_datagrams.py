"""A connection over UDP followed: QUIC's packets and DTLS' records, each with the datagram that it came in."""

from __future__ import annotations

from collections.abc import Iterator

from detector.capture.connection import Connection, Sender
from detector.capture.dtls import DtlsReader
from detector.capture.quic import QuicReader
from detector.capture.steps import Steps
from detector.errors import WireError
from detector.wire import registry as r
from detector.wire.alerts import alert_name
from detector.wire.reader import Reader

_LONG = ("Initial", "0-RTT", "Handshake", "Retry")
_V2 = 0x6B3343CF  # RFC 9369 section 3.2: the types are shifted by one
_MAX_MESSAGES = 64


class DatagramFollower:
    """Takes the datagrams of one connection and adds the steps.

    Attributes:
        bytes, retransmitted, overtaken: by side; that a datagram came again nobody sees.

    """

    def __init__(self, steps: Steps, c: Connection) -> None:
        self._steps = steps
        self._quic = QuicReader() if c.protocol == "quic" else None
        self._told: dict[Sender, int] = {"client": 0, "server": 0}
        self._closes = 0
        self._readers: dict[Sender, DtlsReader] = {"client": DtlsReader(), "server": DtlsReader()}
        self.bytes: dict[Sender, int] = {"client": 0, "server": 0}
        self.retransmitted: dict[Sender, int] = {}
        self.overtaken: dict[Sender, int] = {}
        self._hello: float | None = None
        self._first_byte: float | None = None

    def packet(
        self, number: int, time: float, sender: Sender, buffer: bytes, place: int, stored: int,
        stop: int,
    ) -> None:  # fmt: skip
        """One datagram, from the UDP header at `place`; captured up to `stored`, on the wire up to `stop`."""
        datagram = buffer[place + 8 : stored]
        self.bytes[sender] += max(stop - place - 8, 0)
        if sender == "server" and self._hello is not None and self._first_byte is None:
            self._first_byte = time
        said = self._quic_said if self._quic is not None else self._dtls_said
        for what, size, joins in said(sender, datagram):
            if what == "ClientHello" and sender == "client" and self._hello is None:
                self._hello = time
            self._steps.add(time, number, sender, what, size, joins=joins)

    def _quic_said(self, sender: Sender, datagram: bytes) -> Iterator[tuple[str, int, bool]]:
        assert self._quic is not None
        for what, size in _quic_packets(datagram):
            yield what, size, True
        self._quic.feed(sender, datagram)
        stream = self._quic.crypto[sender]
        ends = list(_messages(stream))
        for kind, size in ends[self._told[sender] :]:
            yield r.HANDSHAKE_TYPES.get(kind, f"handshake message {kind}"), size, False
        self._told[sender] = max(self._told[sender], len(ends))
        for side, code in self._quic.closes[self._closes :]:
            if side == sender:
                alert = code - 0x100
                why = (
                    f": alert {alert_name(alert)} ({alert})" if 0 < alert < 0x100 else f" {code:#x}"
                )
                yield f"CONNECTION_CLOSE{why}", 0, False
        self._closes = len(self._quic.closes)

    def _dtls_said(self, sender: Sender, datagram: bytes) -> Iterator[tuple[str, int, bool]]:
        reader = self._readers[sender]
        messages, alerts, opaque, ccs = (
            len(reader.messages), len(reader.alerts), reader.opaque, reader.ccs,
        )  # fmt: skip
        try:
            reader.feed(datagram)
        except WireError:
            yield "no DTLS", len(datagram), True
            return
        for kind, body in reader.messages[messages:]:
            yield r.HANDSHAKE_TYPES.get(kind, f"handshake message {kind}"), len(body) + 12, False
        if reader.ccs and not ccs:
            yield "ChangeCipherSpec", 1, False
        for level, code in reader.alerts[alerts:]:
            how = "fatal" if level == 2 else "warning"
            yield f"alert {alert_name(code)} ({code}), {how}", 2, False
        if reader.opaque > opaque:
            yield "encrypted", len(datagram), True
        elif len(reader.messages) == messages and len(reader.alerts) == alerts:
            yield "part of a handshake message", len(datagram), True

    def finish(self) -> None:
        """Nothing is left."""

    def seconds(self) -> dict[str, float]:
        """How long it took: see `Followed.ms`."""
        if self._hello is None or self._first_byte is None or self._first_byte < self._hello:
            return {}
        return {"first-byte": self._first_byte - self._hello}


def _quic_packets(datagram: bytes) -> Iterator[tuple[str, int]]:
    """Name and size of the packets in a datagram (RFC 9000 section 17)."""
    at = 0
    try:
        while at < len(datagram):
            rest = len(datagram) - at
            if not datagram[at] & 0x80:
                if datagram[at] & 0x40:  # else it is what fills the datagram up
                    yield "QUIC 1-RTT", rest
                return
            read = Reader(datagram[at:], at)
            first = read.uint(1, "first byte")
            version = read.uint(4, "version")
            read.vector(1, "destination id")
            read.vector(1, "source id")
            if version == 0:
                yield "QUIC version negotiation", rest
                return
            sort = (first >> 4 & 3) - (1 if version == _V2 else 0) & 3
            if sort == 3:
                yield "QUIC Retry", rest
                return
            if sort == 0:
                read.take(_varint(read), "token")
            length = _varint(read)
            read.take(length, "packet")
            yield f"QUIC {_LONG[sort]}", read.at
            at += read.at
    except WireError:
        yield "not whole", len(datagram) - at


def _varint(read: Reader) -> int:
    """RFC 9000 section 16."""
    first = read.uint(1, "integer")
    size = (1 << (first >> 6)) - 1
    return (first & 0x3F) << (8 * size) | read.uint(size, "integer")


def _messages(stream: bytes) -> Iterator[tuple[int, int]]:
    """Type and size of the whole handshake messages of a CRYPTO stream."""
    at = count = 0
    while len(stream) - at >= 4 and count < _MAX_MESSAGES:
        end = at + 4 + int.from_bytes(stream[at + 1 : at + 4])
        if end > len(stream):
            return
        yield stream[at], end - at
        at = end
        count += 1
