"""Packets in, finished flows out: the table of connections that are under way.

Theory of operation
-------------------
The loop looks at every packet, so it holds the one case that most packets are by hand: Ethernet, IPv4
without options or IPv6 without extensions, TCP. Anything else goes through `Layers`. A segment of a flow
whose handshake is over only moves two counters.

A flow is handed out a second after it was closed (late alerts and resets belong to it), when it was silent
for long, when its addresses start anew, and at the end. When there are more than `limit` the quietest
quarter is handed out early and counted in `evicted`: memory stays flat whatever comes.

Clocks are set while a capture runs. A flow counts as silent only when two sweeps in a row found it so, without a
packet in between: a leap makes all of them look silent once. Where time went back, what closed before is due.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from struct import Struct

from detector.capture.datagrams import DatagramFlow, Datagrams, turned
from detector.capture.flow import CLEAR, IGNORE, OPAQUE, Flow, Half, Reset
from detector.capture.layers import TCP, Layers
from detector.capture.links import ETHERNET
from detector.capture.packet_file import Packet

DEFAULT_LIMIT = 16384
_MASK = 0xFFFFFFFF
_LINGER = 1.0
_DUE_WITHIN = 2 * _LINGER  # more than the linger: packets come a little out of order
_IDLE = 300.0
_SWEEP = 30.0
_FIN, _SYN, _RST, _ACK = 1, 2, 4, 16
# Ethernet's type, and of IPv4 and TCP behind it what the loop looks at; of IPv6 what comes after its first
# four bytes; of TCP what comes after the ports. Offset and flags of TCP are one number.
_IPV4_TCP = Struct(">3sxHxxHxBxx12sIIH").unpack_from
_IPV6_TCP = Struct(">Hxx36sIIH").unpack_from
_TCP = Struct(">IIH").unpack_from
_PLAIN_IPV4, _IPV6 = b"\x08\x00\x45", b"\x86\xdd"  # without options
_MAX_RESETS = 4
_MAX_STARTS = 4


class FlowTable:
    """All connections under way.

    Args:
        limit: how many at once.
        keys_wanted: whether a key log has secrets for a client's random.
        settled: called once both sides of a flow are encrypted or given up, to free what was read.

    """

    def __init__(
        self,
        limit: int = DEFAULT_LIMIT,
        keys_wanted: Callable[[bytes], bool] | None = None,
        settled: Callable[[Flow], None] = lambda _: None,
    ) -> None:
        self.limit = limit
        self.layers = Layers()
        self.datagrams = Datagrams(limit // 4, keys_wanted)
        self.packets = 0
        self.other_packets = 0
        self.evicted = 0
        self._keys_wanted = keys_wanted
        self._settled = settled
        self._halves: dict[bytes, Half] = {}
        self._flows: dict[bytes, Flow] = {}
        self._closing: deque[tuple[float, Flow]] = deque()

    def run(self, packets: Iterable[Packet]) -> Iterator[Flow | DatagramFlow]:
        """Finished flows, in the order in which they finish."""
        halves, closing = self._halves, self._closing
        unpack = self.layers.unpack
        sweep_at = 0.0
        swept = 0
        seen = 0
        try:
            for time, link, frame, start, end, _ in packets:
                seen += 1
                if link == ETHERNET and end - start > 53:
                    kind, size, place, protocol, key, seq, ack, head = _IPV4_TCP(frame, start + 12)
                    if kind == _PLAIN_IPV4 and protocol == TCP and not place & 0x3FFF:
                        hops = start + 22
                        stop = start + 14 + size if size else end
                        data = start + 34 + (head >> 12 << 2)
                        buffer, stored = frame, end
                    elif kind[:2] == _IPV6 and frame[start + 20] == TCP and end - start > 73:
                        size, key, seq, ack, head = _IPV6_TCP(frame, start + 18)
                        hops = start + 21
                        stop = start + 54 + size if size else end
                        data = start + 54 + (head >> 12 << 2)
                        buffer, stored = frame, end
                    else:
                        hops = -1
                else:
                    hops = -1
                if hops < 0:
                    found = unpack(link, frame, start, end)
                    if found is None:
                        self.other_packets += 1
                        continue
                    protocol, key, ttl, buffer, place, stored, stop = found
                    if protocol != TCP:
                        yield from self.datagrams.take(time, key, buffer[place + 8 : stored], seen)
                        continue
                    seq, ack, head = _TCP(buffer, place + 4)
                    data = place + (head >> 12 << 2)
                half = halves.get(key)
                if half is not None and not head & 7:
                    flow = half.flow
                    flow.last = time
                    flow.packets += 1
                    if half.mode >= OPAQUE:
                        if half.mode == IGNORE or data >= stop:
                            continue
                        if seq == half.next and stop <= stored:
                            size = stop - data
                            half.next = (seq + size) & _MASK
                            half.bytes += size
                            if size <= half.skip:
                                half.skip -= size
                            else:
                                half.opaque_bytes(buffer, data, stop)
                            continue
                    elif head & _ACK:
                        peer = half.peer
                        if peer.mode <= CLEAR and peer.next is not None:
                            known = (ack - peer.start) & _MASK
                            if half.acked < known < 0x7FFFFFFF:
                                half.acked = known
                    if data < stop:
                        if half.ttl < 0:
                            half.ttl = frame[hops] if hops >= 0 else ttl
                        half.segment(time, seq, buffer, data, min(stop, stored), stop)
                        if half.mode >= OPAQUE and flow.facts is None and half.peer.mode >= OPAQUE:
                            self._settled(flow)
                    continue
                if hops >= 0:
                    ttl = frame[hops]
                while closing and not time <= closing[0][0] <= time + _DUE_WITHIN:
                    flow = closing.popleft()[1]
                    if self._forget(flow):
                        yield flow
                half = halves.get(key)  # its flow may just have been handed out
                if half is None or (head & 18 == _SYN and half.flow.ends):
                    if half is not None and self._forget(half.flow):
                        yield half.flow
                    if len(self._flows) >= self.limit:
                        yield from self._evict()
                    half = self._open(key, time, head, seen)
                flow = half.flow
                flow.last = time
                flow.packets += 1
                if half.ttl < 0:
                    half.ttl = ttl
                if head & 7:
                    self._flagged(half, time, seq, head, ttl)
                    if head & _SYN:
                        seq = (seq + 1) & _MASK
                if data < stop and half.mode != IGNORE:
                    half.segment(time, seq, buffer, data, min(stop, stored), stop)
                # A clock that jumps about must not make every packet a look at the whole table.
                if not sweep_at - 2 * _SWEEP < time < sweep_at and seen >= swept:
                    if sweep_at:
                        yield from self._sweep(time)
                    sweep_at = time + _SWEEP
                    swept = seen + len(self._flows) // 4
        finally:
            self.packets = seen
        yield from self._all()

    def _open(self, key: bytes, time: float, flags: int, number: int) -> Half:
        flow = Flow(key, time, self._keys_wanted, number)
        half = flow.opener
        flow.swapped = flags & 18 == 18
        self._flows[key] = flow
        self._halves[key] = flow.opener
        self._halves[turned(key)] = flow.other
        return half

    def _flagged(self, half: Half, time: float, seq: int, flags: int, ttl: int) -> None:
        flow = half.flow
        opener = half is flow.opener
        if flags & _SYN:
            if flags & _ACK:
                flow.opened = "syn-ack"
                if flow.syn_ack_time is None:
                    flow.syn_ack_time = time
            else:
                flow.opened = flow.opened or "syn"
                flow.syns += 1
            start = (seq + 1) & _MASK
            if half.next is None:
                half.next = half.start = start
            elif half.started is None and start not in (half.start, *half.also_from):
                half.also_from = (*half.also_from, start)[-_MAX_STARTS:]
        elif len(flow.ends) < 8:
            flow.ends.append(("rst" if flags & _RST else "fin", opener, time))
            flow.shut |= 1 if opener else 2
        if flags & _RST and len(flow.resets) < _MAX_RESETS:
            awaited = half.next is None or ((seq - half.next) & _MASK) < 65536 or seq == half.next
            flow.resets.append(Reset(from_opener=opener, ttl=ttl, expected=awaited))
        if (flags & _RST or flow.shut == 3) and not flow.closing:
            flow.closing = True
            self._closing.append((time + _LINGER, flow))

    def _forget(self, flow: Flow) -> bool:
        """Take a flow out of the table; False where it was out before."""
        if self._flows.get(flow.key) is not flow:
            return False
        del self._flows[flow.key]
        del self._halves[flow.key]
        self._halves.pop(turned(flow.key), None)
        return True

    def _evict(self) -> Iterator[Flow]:
        quiet = sorted(self._flows.values(), key=lambda flow: flow.last)
        for flow in quiet[: max(1, self.limit // 4)]:
            flow.evicted = not flow.closing
            self.evicted += flow.evicted
            self._forget(flow)
            yield flow

    def _sweep(self, time: float) -> Iterator[Flow | DatagramFlow]:
        silent = [f for f in self._flows.values() if abs(time - f.last) > _IDLE]
        gone = [f for f in silent if f.silent_at == f.packets]
        for flow in silent:
            flow.silent_at = flow.packets
        for flow in gone:
            self._forget(flow)
            yield flow
        yield from self.datagrams.sweep(time)

    def _all(self) -> Iterator[Flow | DatagramFlow]:
        while self._closing:
            flow = self._closing.popleft()[1]
            if self._forget(flow):
                yield flow
        for flow in sorted(self._flows.values(), key=lambda flow: flow.last):
            yield flow
        self._flows.clear()
        self._halves.clear()
        yield from self.datagrams.all()
