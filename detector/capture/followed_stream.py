"""A TCP connection followed: segments in order, records cut out of them, each with the packet that completed it."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from detector.capture.connection import Connection, Sender
from detector.capture.flow import IGNORE, MAX_PENDING, MAX_PREAMBLE, MAX_SEGMENTS, SEARCH, Flow
from detector.capture.followed_records import Records, first_word, is_hello, message_name
from detector.capture.keylog import KeyLog
from detector.capture.steps import DATA, Step, Steps
from detector.errors import WireError
from detector.wire.alerts import alert_name
from detector.wire.records import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    CONTENT_TYPES,
    HANDSHAKE,
    HandshakeReader,
)
from detector.wire.registry import is_tls13

_FIN, _SYN, _RST, _ACK = 1, 2, 4, 16
_MASK, _HALF = 0xFFFFFFFF, 0x80000000
_HEADER = Struct(">IIBB").unpack_from
# A Finished of TLS 1.3 by its hash: 32 or 48 bytes, its header, the content type and the tag.
_FINISHED = (53, 69)
_SEALED_ALERT = 19
_OVERTAKES = 0.003  # seconds by which packets overtake each other, as Wireshark has it
_MAX_NAMED = 64
_MAX_NAMED_BYTES = 1 << 17
_ENCRYPTED = "encrypted"
_BEGINNINGS = frozenset(bytes((kind, 3)) for kind in CONTENT_TYPES)


class StreamFollower:
    """Takes the packets of one TCP connection and adds the steps.

    Attributes:
        bytes, retransmitted, overtaken: by side.

    """

    def __init__(self, steps: Steps, c: Connection, keys: KeyLog | None) -> None:
        self._steps = steps
        self._keys = keys
        self._suite = c.answer.cipher if c.answer is not None else 0
        tls13 = c.answer is not None and is_tls13(c.answer.version)
        self._sides: dict[Sender, _Side] = {
            "client": _Side(tls13=tls13), "server": _Side(tls13=tls13),
        }  # fmt: skip
        self.bytes: dict[Sender, int] = {"client": 0, "server": 0}
        self.retransmitted: dict[Sender, int] = {"client": 0, "server": 0}
        self.overtaken: dict[Sender, int] = {"client": 0, "server": 0}
        self._syns: list[float] = []
        self._taken: float | None = None
        self._acked: float | None = None
        self._hello: float | None = None
        self._first_byte: float | None = None
        self._asked: float | None = None
        self._answered: float | None = None
        self._random = b""

    def packet(
        self, number: int, time: float, sender: Sender, buffer: bytes, place: int, stored: int,
        stop: int,
    ) -> None:  # fmt: skip
        """One packet, from the TCP header at `place`; captured up to `stored`, on the wire up to `stop`."""
        seq, _, offset, flags = _HEADER(buffer, place + 4)
        at = place + (offset >> 4 << 2)
        side = self._sides[sender]
        before = side.resent
        if flags & _SYN:
            self._opens(number, time, sender, seq, flags)
            seq = (seq + 1) & _MASK
        if flags & _ACK and self._taken is not None and self._acked is None and sender == "client":
            self._acked = time
        size = stop - at
        if size > 0:
            if sender == "server":
                self._heard(time)
            for data, missing in side.segment(time, seq, buffer[at:stored], size):
                self.bytes[sender] += len(data) + missing
                self._said(number, time, sender, side, data, missing)
        if flags & _FIN:
            side.fin((seq + max(size, 0)) & _MASK)
            self._steps.add(time, number, sender, "FIN", 0, joins=True)
        if flags & _RST:
            self._steps.add(time, number, sender, "RST", 0, joins=True)
        side.resent = min(side.resent, before + 1)  # a packet that says several things came once
        self.retransmitted[sender], self.overtaken[sender] = side.resent, side.overtaken

    def _opens(self, number: int, time: float, sender: Sender, seq: int, flags: int) -> None:
        side = self._sides[sender]
        if flags & _ACK:
            self._taken = self._taken if self._taken is not None else time
        elif self._taken is None:
            self._syns.append(time)
        side.resent += side.syn == seq
        side.begin(seq)
        self._steps.add(time, number, sender, "SYN, ACK" if flags & _ACK else "SYN", 0, joins=True)

    def _heard(self, time: float) -> None:
        """The server says something."""
        if self._hello is not None and self._first_byte is None:
            self._first_byte = time
        if self._asked is not None and self._answered is None:
            self._answered = time

    def _said(
        self, number: int, time: float, sender: Sender, side: _Side, data: bytes, missing: int
    ) -> None:
        for what, size, joins, body in side.read(data, missing):
            step = self._steps.add(time, number, sender, what, size, joins=joins)
            first = sender == "client" and what == "ClientHello" and self._hello is None
            if first and body is not None:
                self._hello = time
                self._random = body[2:34]
                if self._keys is not None and self._random in self._keys:
                    for one in self._sides.values():
                        one.named = True
            elif sender == "client" and self._asked is None and side.asks:
                self._asked = time
            if body is not None and what in (_ENCRYPTED, DATA):
                side.keep(step, body)

    def finish(self) -> None:
        """Name what the keys open, and tell the ends."""
        if self._keys is None or self._random not in self._keys:
            return
        for sender, side in self._sides.items():
            side.name(self._keys, self._random, self._suite, sender)

    def seconds(self) -> dict[str, float]:
        """How long it took: see `Followed.ms`."""
        # Which of two SYNs was answered nobody knows; one that was captured twice is one.
        syns = self._syns
        syn = syns[-1] if syns and syns[-1] - syns[0] < _OVERTAKES else None
        marks = {
            "rtt": (syn, self._acked),
            "rtt-server": (syn, self._taken),
            "rtt-client": (self._taken, self._acked),
            "first-byte": (self._hello, self._first_byte),
            "answer": (self._asked, self._answered),
        }
        return {
            name: end - start
            for name, (start, end) in marks.items()
            if start is not None and end is not None and end >= start
        }


class _Side:
    """What one side sent: its segments, then its records."""

    def __init__(self, *, tls13: bool) -> None:
        self.resent = 0
        self.overtaken = 0
        self.syn: int | None = None
        self.asks = False
        self.named = False
        self._tls13 = tls13
        self._next: int | None = None
        self._fin: int | None = None
        self._pending: dict[int, tuple[bytes, int]] = {}
        self._hole = 0.0
        # What finds the first record in the first pass finds it here.
        self._finder = Flow(b"", 0.0, None).opener
        self._searched = bytearray()
        self._told = 0
        self._plain = False
        self._lost = "no TLS"
        self._records = Records()
        self._handshake = HandshakeReader()
        self._hidden = False
        self._finished = False
        self._kept: list[tuple[Step, bytes]] = []
        self._room = _MAX_NAMED_BYTES

    def begin(self, seq: int) -> None:
        """A SYN."""
        self.syn = seq
        if self._next is None:
            self._next = (seq + 1) & _MASK

    def fin(self, seq: int) -> None:
        """A FIN, which takes a number of its own."""
        self.resent += self._fin == seq
        self._fin = seq

    def segment(self, time: float, seq: int, data: bytes, size: int) -> Iterator[tuple[bytes, int]]:
        """One segment with payload; gives what is in order now, and how much of it was not captured."""
        if self._next is None:
            self._next = seq
        ahead = (seq - self._next) & _MASK
        if ahead >= _HALF:
            known = _MASK + 1 - ahead
            if size == 1 and known == 1:
                return  # a keep-alive
            self.resent += 1
            if size <= known:
                return
            data, size = data[known:], size - known
            seq, ahead = self._next, 0
        if ahead:
            if not self._pending:
                self._hole = time
            if seq not in self._pending and len(self._pending) < MAX_SEGMENTS:
                self._pending[seq] = data[:MAX_PENDING], size
            elif seq in self._pending:
                self.resent += 1
            else:  # the hole stays, and costs what it left out
                yield b"", ahead
                self._next = (self._next + ahead) & _MASK
                yield from self._in_order(data, size)
            return
        if self._pending:
            late = time - self._hole > _OVERTAKES
            self.resent += late
            self.overtaken += not late
        yield from self._in_order(data, size)

    def _in_order(self, data: bytes, size: int) -> Iterator[tuple[bytes, int]]:
        assert self._next is not None
        yield data[:size], max(size - len(data), 0)
        self._next = (self._next + size) & _MASK
        while self._pending:
            after = self._next
            # The one that begins first; those that begin before `after` overlap what came meanwhile.
            seq = min(self._pending, key=lambda one: (one - after + _HALF) & _MASK)
            known = (after - seq) & _MASK
            if known >= _HALF:
                return
            data, size = self._pending.pop(seq)
            if size > known:
                yield data[known:size], size - max(len(data), known)
                self._next = (after + size - known) & _MASK

    def read(self, data: bytes, missing: int) -> Iterator[tuple[str, int, bool, bytes | None]]:
        """Name, size, whether it joins its like, and content of what a piece of the stream completes."""
        if self._plain:
            yield self._lost, len(data) + missing, True, None
            return
        if self._finder.mode == SEARCH:
            yield from self._search(data, missing)
            return
        yield from self._cut(data, missing)

    def _search(self, data: bytes, missing: int) -> Iterator[tuple[str, int, bool, bytes | None]]:
        finder = self._finder
        at = finder.next or 0
        self._searched += data
        finder.segment(0.0, at, data, 0, len(data), len(data) + missing)
        if finder.mode == SEARCH:
            if len(data) + missing:
                yield first_word(data), len(data) + missing, False, None
            self._told = len(self._searched)
            self._plain = len(self._searched) > MAX_PREAMBLE
            return
        before = len(finder.preamble)
        # Where the packet was captured in part the first pass gives up; its first record is one all the same.
        begun = missing and bytes(self._searched[:2]) in _BEGINNINGS
        if finder.mode == IGNORE and not (
            begun or finder.messages or finder.alerts or finder.records
        ):
            self._plain = True
            yield first_word(data), len(data) + missing, False, None
            return
        if before > self._told:
            text = bytes(self._searched[self._told : before])
            yield first_word(text), len(text), False, None
        rest = bytes(self._searched[before:])
        self._searched.clear()
        yield from self._cut(rest, missing)

    def _cut(self, data: bytes, missing: int) -> Iterator[tuple[str, int, bool, bytes | None]]:
        try:
            for kind, length, body, whole in self._records.feed(data, missing):
                if whole:
                    yield from self._record(kind, length, body)
                else:
                    yield self._partly(kind, length, body), length, True, None
        except WireError:
            self._plain = True
            self._lost = "records whose beginning was not captured" if missing else "no TLS"
            yield self._lost, len(data) + missing, True, None

    def _partly(self, kind: int, length: int, body: bytes) -> str:
        """What a record is of which the capture has a part."""
        if kind == HANDSHAKE and body and not self._hidden:
            name = message_name(body[0], body[4:])
        elif kind == HANDSHAKE:
            name = "handshake message"
        elif kind == APPLICATION_DATA:
            return self._data(length)
        else:
            name = {ALERT: "alert", CHANGE_CIPHER_SPEC: "ChangeCipherSpec"}.get(kind, "heartbeat")
        return f"{name}, not captured whole"

    def _record(
        self, kind: int, length: int, body: bytes
    ) -> Iterator[tuple[str, int, bool, bytes | None]]:
        if kind == HANDSHAKE:
            if self._hidden and not is_hello(body):
                yield "encrypted handshake message", length, True, None
            else:
                for message in self._handshake.feed(body):
                    yield (
                        message_name(message.type, message.body),
                        len(message.body) + 4,
                        False,
                        message.body,
                    )
        elif kind == ALERT:
            if length == 2 and not self._hidden:
                level = {1: "warning", 2: "fatal"}.get(body[0], f"level {body[0]}")
                yield f"alert {alert_name(body[1])} ({body[1]}), {level}", 2, False, None
            else:
                yield "encrypted alert", length, False, None
        elif kind == CHANGE_CIPHER_SPEC:
            self._hidden = True
            yield "ChangeCipherSpec", length, False, None
        elif kind == APPLICATION_DATA:
            yield self._data(length), length, not self.named, body
        else:
            yield "heartbeat", length, False, None

    def _data(self, length: int) -> str:
        """What application data of so many bytes is; the client's first ones after its Finished ask for something."""
        self._hidden = True
        if not self._tls13:
            self.asks = True
            return DATA
        self.asks = self.asks or self._finished
        self._finished = self._finished or length in _FINISHED
        return "encrypted, as long as an alert" if length == _SEALED_ALERT else _ENCRYPTED

    def keep(self, step: Step, body: bytes) -> None:
        """A record that a key may open."""
        if self.named and len(self._kept) < _MAX_NAMED and self._room > 0:
            self._room -= len(body)
            self._kept.append((step, body))
        else:
            self.named = False

    def name(self, keys: KeyLog, random: bytes, suite: int, sender: Sender) -> None:
        """Name the records that the keys open, by what opening one more of them gives."""
        raw = [(APPLICATION_DATA, body) for _, body in self._kept]
        messages = alerts = 0
        for count, (step, _) in enumerate(self._kept, 1):
            found = keys.open(random, suite, sender, raw[:count])
            said = [message_name(kind, body) for kind, body in found.messages[messages:]]
            said += [f"alert {alert_name(code)} ({code})" for _, code in found.alerts[alerts:]]
            if said:
                step.what = ", ".join(said)
            elif found.finished:
                step.what = DATA
            elif found.messages:
                step.what = "part of a handshake message"
            messages, alerts = len(found.messages), len(found.alerts)
