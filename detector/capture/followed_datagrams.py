"""A connection over UDP followed: QUIC's packets and DTLS' records, each with the datagram that it came in."""

from __future__ import annotations

from collections.abc import Iterator

from detector.capture.connection import Connection, Sender
from detector.capture.dtls import DtlsReader
from detector.capture.quic import QuicReader, messages
from detector.capture.steps import Steps
from detector.errors import WireError
from detector.wire import registry as r
from detector.wire.alerts import alert_name
from detector.wire.quic_packets import heads

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
        whole = messages(stream, _MAX_MESSAGES)
        for kind, body in whole[self._told[sender] :]:
            yield r.HANDSHAKE_TYPES.get(kind, f"handshake message {kind}"), len(body) + 4, False
        self._told[sender] = max(self._told[sender], len(whole))
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
    """Name and size of the packets in a datagram."""
    at = 0
    try:
        for head in heads(datagram):
            name = "version negotiation" if head.sort == "Version Negotiation" else head.sort
            yield f"QUIC {name}", head.end - head.at
            at = head.end
    except WireError:
        yield "not whole", len(datagram) - at
