"""A TCP connection and its two halves: segments put in order, TLS records cut out of them.

Theory of operation
-------------------
A half is in one of four modes.

search  nothing of TLS was seen yet: bytes are kept, up to MAX_PREAMBLE, until a hello starts. What came
        before it is the preamble: CONNECT, SOCKS, STARTTLS, a PROXY header.
clear   records are cut, handshake messages joined and kept, alerts read.
opaque  what follows is encrypted: only the five bytes of each record's header are looked at, the rest is
        skipped unread. Lengths of the first records and of the last one are kept.
ignore  no TLS, or a hole that nobody filled.

Out of order segments wait, MAX_PENDING bytes at most. Where bytes come twice the first copy counts. A hole
that does not fill costs the rest of the direction, not the other one.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from detector.wire.old_hello import read_old_hello
from detector.wire.records import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    MAX_HANDSHAKE,
    MAX_RECORD,
)

SEARCH, CLEAR, OPAQUE, IGNORE = 0, 1, 2, 3
MAX_PREAMBLE = 1 << 14
MAX_PENDING = 1 << 17
MAX_SEGMENTS = 128
MAX_MESSAGES = 64
MAX_RAW = 1 << 17
_KEPT_SIZES = 8
_HELLO_BEGINS = 16
_MASK = 0xFFFFFFFF
_HELLO = re.compile(
    rb"\x16\x03[\x00-\x04]..[\x01\x02]\x00..\x03[\x00-\x04]|\x15\x03[\x00-\x04]\x00\x02[\x01\x02]",
    re.DOTALL,
)


class Flow:
    """One TCP connection.

    Attributes:
        key: source address, destination address, ports of the first packet, as on the wire.
        number: that packet's place in the file, from 1.
        opener: the half that sent the first packet, unless that was a SYN-ACK.
        other: the one that answers.
        opened: how the connection began: "syn" was seen, "syn-ack" too, or "" in the middle.
        ends: (what, from the opener, time) of FIN and RST segments in order, the first few.
        silent_at: its packets when a sweep last found it silent.

    """

    __slots__ = (
        "closing", "ends", "evicted", "facts", "first", "key", "keys_wanted", "last", "number",
        "opened",        "opener", "other", "packets", "resets", "shut", "silent_at", "swapped", "syn_ack_time", "syns",
    )  # fmt: skip

    def __init__(
        self,
        key: bytes,
        time: float,
        keys_wanted: Callable[[bytes], bool] | None,
        number: int = 0,
    ) -> None:
        self.key = key
        self.number = number
        self.first = self.last = time
        self.opener = Half(self)
        self.other = Half(self)
        self.opener.peer, self.other.peer = self.other, self.opener
        self.opened = ""
        self.swapped = False
        self.syns = 0
        self.syn_ack_time: float | None = None
        self.ends: list[tuple[str, bool, float]] = []
        self.resets: list[Reset] = []
        self.packets = 0
        self.silent_at = 0
        self.closing = False
        self.shut = 0
        self.evicted = False
        self.keys_wanted = keys_wanted
        self.facts: object = None

    def hello(self, half: Half, message: tuple[int, bytes]) -> None:
        """The first handshake message of a half: tells the sides apart, and whether keys are at hand."""
        kind, body = message
        if kind == 1 and self.keys_wanted is not None and self.keys_wanted(body[2:34]):
            half.keep = half.peer.keep = True
        if not self.opened and kind in (1, 2):
            self.swapped = (half is self.opener) == (kind == 2)

    def dissolve(self) -> None:
        """Cut the ties between flow and halves, so that they go without waiting for the collector."""
        del self.opener.peer, self.other.peer, self.opener, self.other

    @property
    def client(self) -> Half:
        return self.other if self.swapped else self.opener

    @property
    def server(self) -> Half:
        return self.opener if self.swapped else self.other

    @property
    def settled(self) -> bool:
        return self.opener.mode >= OPAQUE and self.other.mode >= OPAQUE


class Reset:
    """A segment with RST: who sent it, its TTL, and whether its sequence number is the next."""

    __slots__ = ("expected", "from_opener", "ttl")

    def __init__(self, *, from_opener: bool, ttl: int, expected: bool) -> None:
        self.from_opener = from_opener
        self.ttl = ttl
        self.expected = expected


class Half:
    """What one side sent.

    Attributes:
        next: sequence number that is awaited, None before the first segment.
        messages: (type, body) of the handshake messages in clear.
        alerts: (level, code) of the alerts in clear; the first came at `alert_at`.
        ccs: a ChangeCipherSpec came.
        sizes: (content type, length) of the first opaque records; `last` is that of the last one.
        opaque: how many there were; `before` is how many of the peer's came before the first.
        raw: (content type, payload) of opaque records, kept while `keep` says that keys are at hand.
        acked: highest acknowledgement this side sent, relative to the peer's first byte; -1 for none.
        error: why the bytes stopped making sense, "" where they did not.
        hole: bytes are missing in the capture.
        also_from: where its bytes begin by further SYN-ACKs, as long as none came; `moved` once they
            did begin there.
        went_on: after an alert it went on with the handshake.
        after_reset: it went on sending after a segment with RST.

    """

    __slots__ = (
        "acked", "after_reset", "alert_at", "alerts", "also_from", "before", "bytes", "ccs", "error", "flow", "head", "hello_segments", "hole", "keep", "kept",
        "last", "messages", "mode", "moved", "next", "opaque", "partial", "peer", "pending", "preamble", "raw",
        "record", "records", "resent", "sizes", "skip", "start", "started", "ttl", "waiting", "went_on",
    )  # fmt: skip

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.peer: Half = self
        self.mode = SEARCH
        self.next: int | None = None
        self.start = 0
        self.skip = 0
        self.head = b""
        self.record = b""
        self.partial = bytearray()
        self.messages: list[tuple[int, bytes]] = []
        self.alerts: list[tuple[int, int]] = []
        self.preamble = b""
        self.ccs = False
        self.keep = False
        self.kept = 0
        self.raw: list[tuple[int, bytes]] = []
        self.sizes: list[tuple[int, int]] = []
        self.last = (0, 0)
        self.opaque = 0
        self.before = 0
        self.records = 0
        self.bytes = 0
        self.hello_segments = 0
        self.resent = 0
        self.pending: dict[int, bytes] = {}
        self.waiting = 0
        self.acked = -1
        self.ttl = -1
        self.started: float | None = None
        self.error = ""
        self.hole = False
        self.after_reset = False
        self.alert_at = 0.0
        self.went_on = False
        self.also_from: tuple[int, ...] = ()
        self.moved = False

    @property
    def packets_seen(self) -> bool:
        """Any packet of this side is in the capture."""
        return self.ttl >= 0 or self.acked >= 0

    @property
    def heard(self) -> bool:
        """Any payload was seen."""
        return self.started is not None

    def segment(self, time: float, seq: int, buffer: bytes, at: int, end: int, stop: int) -> None:
        """A segment with payload: captured from `at` to `end`, on the wire up to `stop`."""
        following = self.next
        if following is None:
            following = self.next = self.start = seq
        if self.also_from and seq in self.also_from:
            following = self.next = self.start = seq
            self.moved, self.peer.acked = True, -1
            self.also_from = ()
        if seq != following:
            ahead = (seq - following) & _MASK
            if ahead <= 0x7FFFFFFF:
                self._wait(seq, buffer[at:end], stop - at)
                return
            known = _MASK + 1 - ahead  # old: sent again, in part or in whole
            self.resent += 1
            if stop - at <= known:
                return
            at += known
        if self.started is None:
            self.started = time
            self.also_from = ()
        if self.flow.resets:
            self.after_reset = True
        self._take(buffer, at, end, stop)
        if self.pending:
            self._take_waiting()

    def _take_waiting(self) -> None:
        """What waited for the bytes that came now."""
        while self.pending:
            assert self.next is not None
            more = self.pending.pop(self.next, None)
            if more is None:
                break
            self.waiting -= len(more)
            self._take(more, 0, len(more), len(more))
        if self.pending:
            self._drop_old()

    def _wait(self, seq: int, data: bytes, size: int) -> None:
        if len(data) < size or self.mode == IGNORE:
            self.hole = True
        kept = self.pending.get(seq)
        if kept is not None and len(kept) >= len(data):
            return
        if self.waiting + len(data) > MAX_PENDING or len(self.pending) >= MAX_SEGMENTS:
            self._give_up()
            return
        self.waiting += len(data) - (len(kept) if kept is not None else 0)
        self.pending[seq] = data

    def _drop_old(self) -> None:
        """Waiting segments that overlap what came meanwhile: their new part is taken."""
        for seq in sorted(self.pending):
            assert self.next is not None
            behind = (self.next - seq) & _MASK
            if behind > 0x7FFFFFFF or seq not in self.pending:
                continue
            data = self.pending.pop(seq)
            self.waiting -= len(data)
            if len(data) > behind:
                self._take(data, behind, len(data), len(data))

    def _give_up(self) -> None:
        """The hole stays."""
        self.hole = True
        self.pending.clear()
        self.waiting = 0
        self.close(IGNORE)

    def _take(self, buffer: bytes, at: int, end: int, stop: int) -> None:
        assert self.next is not None
        self.next = (self.next + stop - at) & _MASK
        self.bytes += stop - at
        mode = self.mode
        if mode <= CLEAR:
            if not self.records:
                self.hello_segments += 1
            data = buffer[at:end]
            if self.record:
                data = self.record + data
            if mode == CLEAR:
                self._cut(data)
            elif data:
                self._search(data)
        elif mode == OPAQUE:
            self.opaque_bytes(buffer, at, end)
        if end < stop and self.mode != IGNORE:
            self._cut_short(stop - end)

    def _cut_short(self, missing: int) -> None:
        """The capture holds only the first bytes of the packet."""
        self.hole = True
        if self.mode == OPAQUE and not self.keep and self.skip >= missing:
            self.skip -= missing
        else:
            self.close(IGNORE)

    def _search(self, data: bytes) -> None:
        if 20 <= data[0] <= 24 and data[1:2] == b"\x03":
            self.mode = CLEAR
            self._cut(data)
            return
        if data[0] & 0x80 and (old := read_old_hello(data)) is not None:
            self.mode = CLEAR
            self.records = 1
            message = 1, old[1]
            self.messages.append(message)
            self.flow.hello(self, message)
            self._cut(data[old[0] :])
            return
        # What waits was searched already; a hello may have begun at its end.
        found = _HELLO.search(data, max(0, len(self.record) - _HELLO_BEGINS))
        if found is not None:
            self.preamble = data[: found.start()]
            self.hello_segments = 1
            self.mode = CLEAR
            self._cut(data[found.start() :])
        elif len(data) > MAX_PREAMBLE:
            self.preamble = data[:MAX_PREAMBLE]
            self.close(IGNORE)
        else:
            self.record = data

    def _cut(self, data: bytes) -> None:
        """Records of the clear part; what is left of an unfinished one waits in `record`."""
        at = 0
        size = len(data)
        opaque = False
        while size - at >= 5:
            kind = data[at]
            length = data[at + 3] << 8 | data[at + 4]
            end = at + 5 + length
            if not 20 <= kind <= 24 or data[at + 1] != 3 or length > MAX_RECORD:
                self.error = f"no TLS record at byte {at}"
                self.preamble = self.preamble or data[at : at + 256]
                self.close(IGNORE)
                return
            if kind == HANDSHAKE:
                if self.ccs and not _is_hello(data, at, length):
                    opaque = True
                    break
                if end > size:
                    break
                self.records += 1
                if self.alerts:
                    self.went_on = True
                if not self._handshake(data, at + 5, end):
                    return
            elif kind == APPLICATION_DATA or (kind == ALERT and (self.ccs or length != 2)):
                opaque = True
                break
            elif end > size:
                break
            elif kind == CHANGE_CIPHER_SPEC:
                self.ccs = True
                self.went_on = self.went_on or bool(self.alerts)
            elif kind == ALERT:
                if not self.alerts:
                    self.alert_at = self.flow.last
                if len(self.alerts) < MAX_MESSAGES:
                    self.alerts.append((data[at + 5], data[at + 6]))
            at = end
        if opaque:
            self.mode = OPAQUE
            self.record = b""
            self.opaque_bytes(data, at, size)
        else:
            self.record = data[at:]

    def _handshake(self, data: bytes, at: int, stop: int) -> bool:
        """Join and cut messages; False where they make no sense."""
        if self.partial:
            self.partial += data[at:stop]
            data = bytes(self.partial) if self._whole() else b""
            at, stop = 0, len(data)
            if not data:
                return self._sensible(self.partial, 0)
        messages = self.messages
        while stop - at >= 4:
            size = data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]
            if (size > MAX_HANDSHAKE or len(messages) >= MAX_MESSAGES) and not self._sensible(
                data, at
            ):
                return False
            end = at + 4 + size
            if end > stop:
                break
            message = data[at], data[at + 4 : end]
            messages.append(message)
            if len(messages) == 1:
                self.flow.hello(self, message)
            at = end
        if at < stop or self.partial:
            self.partial = bytearray(data[at:stop])
        return True

    def _whole(self) -> bool:
        """The first message of `partial` is complete."""
        kept = self.partial
        return len(kept) >= 4 and len(kept) >= 4 + (kept[1] << 16 | kept[2] << 8 | kept[3])

    def _sensible(self, data: bytes | bytearray, at: int) -> bool:
        """A message's claimed length, and the number of messages, are what a handshake may have."""
        if len(data) - at < 4:
            return True
        length = data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]
        if length <= MAX_HANDSHAKE and len(self.messages) < MAX_MESSAGES:
            return True
        self.error = f"handshake message of {length} bytes"
        self.close(IGNORE)
        return False

    def opaque_bytes(self, buffer: bytes, at: int, end: int) -> None:
        """What comes after the handshake."""
        if self.keep:
            self.record += buffer[at:end]
            self._collect()
        else:
            self.walk(buffer, at, end)

    def walk(self, data: bytes, at: int, end: int) -> None:
        """Headers of opaque records. `skip` bytes belong to the record that is under way."""
        head = self.head
        at += self.skip
        self.skip = 0
        if head:
            take = 5 - len(head)
            if end - at < take:
                self.head = head + data[at:end]
                return
            data = head + data[at:end]
            at, end = 0, len(data)
            self.head = b""
        count, last = self.opaque, self.last  # as `_note` counts them
        while end - at >= 5:
            kind = data[at]
            length = data[at + 3] << 8 | data[at + 4]
            if not 20 <= kind <= 24 or data[at + 1] != 3 or length > MAX_RECORD:
                self.opaque, self.last = count, last
                self.error = "no TLS record where one should begin"
                self.close(IGNORE)
                return
            last = kind, length
            if count < _KEPT_SIZES:
                if not count:
                    self.before = self.peer.opaque
                self.sizes.append(last)
            count += 1
            at += 5 + length
        self.opaque, self.last = count, last
        if at >= end:
            self.skip = at - end
        else:
            self.head = data[at:end]

    def _note(self, kind: int, length: int) -> None:
        self.opaque += 1
        if self.opaque == 1:
            self.before = self.peer.opaque
        if self.opaque <= _KEPT_SIZES:
            self.sizes.append((kind, length))
        self.last = (kind, length)

    def _collect(self) -> None:
        """Whole opaque records, for whoever has the keys."""
        data = self.record
        at = 0
        while len(data) - at >= 5:
            length = data[at + 3] << 8 | data[at + 4]
            end = at + 5 + length
            if not 20 <= data[at] <= 24 or length > MAX_RECORD:
                self.error = "no TLS record where one should begin"
                self.close(IGNORE)
                return
            if end > len(data):
                break
            self.raw.append((data[at], data[at + 5 : end]))
            self.kept += length
            self._note(data[at], length)
            at = end
        self.record = data[at:]
        if self.kept > MAX_RAW or len(self.raw) > 256:
            self.keep = False
            rest, self.record = self.record, b""
            self.walk(rest, 0, len(rest))

    def close(self, mode: int) -> None:
        """No more bytes are wanted: free what waits for them."""
        self.mode = mode
        self.record = b""
        self.partial = bytearray()
        self.pending.clear()
        self.waiting = 0


def _is_hello(data: bytes, at: int, length: int) -> bool:
    """A hello in clear after a ChangeCipherSpec that is only for show (RFC 8446 section D.4)."""
    return (
        len(data) - at >= 9
        and data[at + 5] in (1, 2)
        and data[at + 6] << 16 | data[at + 7] << 8 | data[at + 8] == length - 4
    ) or len(data) - at < 9
