"""Capture files cut into packets: pcap and pcapng.

Theory of operation
-------------------
The input is a `read(size)` callable, so that files, pipes and decompressors are the same. About a
mebibyte is in memory at a time; packets are handed out as places in that buffer, without a copy.

A record whose header makes no sense costs itself alone: the reader looks for the next place from which
two headers in a row make sense, and says how many bytes it passed over. Time is no proof of damage, for clocks
are set while a capture runs: a leap only makes the reader look whether the rest of the header makes sense. Only
among places that might be a header those near the last packet's time come first.

Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import Struct

from detector.errors import CaptureError

Read = Callable[[int], bytes]
# Time in seconds, link type, buffer, where the packet starts and ends in it, its length on the wire.
Packet = tuple[float, int, bytes, int, int, int]

CHUNK = 1 << 20
MAX_PACKET = 1 << 18  # what libpcap itself accepts; USB captures aside nobody writes more
MAX_BLOCK = 1 << 24
_RESYNC_WITHIN = 1 << 22
_MAX_INTERFACES = 1024
MAX_SECRETS = 1 << 22
_DAY = 86400.0
_LEAP = 400 * _DAY

_PCAP_MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1e-6),
    b"\xa1\xb2\xc3\xd4": (">", 1e-6),
    b"\x4d\x3c\xb2\xa1": ("<", 1e-9),
    b"\xa1\xb2\x3c\x4d": (">", 1e-9),
}
_PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"
_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE, _PACKET, _SECRETS = 0x0A0D0D0A, 1, 2, 3, 6, 10
_TLS_KEY_LOG = 0x544C534B


class PacketFile:
    """One capture file being read.

    Args:
        read: gives up to that many bytes, none at the end.

    Iterating gives the packets. `secrets` collects TLS key logs that the file carries, `skipped` the
    bytes that made no sense, `cut` whether it ended in the middle of a packet.

    Raises CaptureError where the start is that of no capture file.

    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self.secrets = bytearray()
        self.skipped = 0
        self.cut = False
        self._start = _at_least(read, b"", 24)
        magic = self._start[:4]
        if magic == _PCAPNG_MAGIC:
            self.format = "pcapng"
        elif magic in _PCAP_MAGICS and len(self._start) >= 24:
            self.format = "pcap"
        else:
            raise CaptureError("neither pcap nor pcapng", 0)

    def __iter__(self) -> Iterator[Packet]:
        return self._pcapng() if self.format == "pcapng" else self._pcap()

    def _pcap(self) -> Iterator[Packet]:
        order, fraction = _PCAP_MAGICS[self._start[:4]]
        # The upper bits of the link type say how long a frame check sequence is.
        link = Struct(f"{order}I").unpack_from(self._start, 20)[0] & 0x03FFFFFF
        header = Struct(f"{order}4I").unpack_from
        buffer, at = self._start, 24
        size = len(buffer)
        last = 0  # second of the last packet, 0 where none is to be trusted
        while True:
            if at + 16 > size:
                buffer, at = _at_least(self._read, buffer[at:], 16), 0
                size = len(buffer)
                if size < 16:
                    self.cut = self.cut or size > 0
                    return
            seconds, part, captured, whole = header(buffer, at)
            if captured > MAX_PACKET or (seconds != last and last and abs(seconds - last) > _LEAP):
                if captured <= MAX_PACKET and size - at < 32 + captured:
                    buffer, at = _at_least(self._read, buffer[at:], 32 + captured), 0
                    size = len(buffer)
                if captured > MAX_PACKET or not _follows(header, buffer, at):
                    buffer, at = self._resync(header, buffer, at, last)
                    size = len(buffer)
                    last = 0
                    continue
            start = at + 16
            end = start + captured
            if end > size:
                buffer, at = _at_least(self._read, buffer[at:], 16 + captured), 0
                size = len(buffer)
                start, end = 16, 16 + captured
                if end > size:
                    self.cut = True
                    if size == 16:
                        return
                    end = size
            last = seconds
            yield seconds + part * fraction, link, buffer, start, end, whole
            at = end

    def _resync(
        self, header: Callable[..., tuple[int, ...]], buffer: bytes, at: int, last: int
    ) -> tuple[bytes, int]:
        """The next place from which two headers in a row make sense; the end where there is none."""
        passed = 0
        while passed < _RESYNC_WITHIN:
            buffer, at = _at_least(self._read, buffer[at:], 2 * MAX_PACKET), 0
            stop = min(len(buffer) - 16, MAX_PACKET + 1)
            for near in (last, 0) if last else (0,):
                for place in range(1, stop):
                    if _plausible(header, buffer, place, near):
                        self.skipped += passed + place
                        return buffer, place
            if stop <= MAX_PACKET:
                break
            passed += MAX_PACKET
            at = MAX_PACKET
        self.skipped += passed + len(buffer)
        while rest := self._read(CHUNK):
            self.skipped += len(rest)
        return b"", 0

    def _pcapng(self) -> Iterator[Packet]:
        order = "<"
        interfaces: list[tuple[int, float, float]] = []
        buffer, at = self._start, 0
        head = Struct("<II").unpack_from
        while True:
            if len(buffer) - at < 12:
                buffer, at = _at_least(self._read, buffer[at:], 12), 0
                if len(buffer) < 12:
                    self.cut = self.cut or len(buffer) > 0
                    return
            kind, length = head(buffer, at)
            if buffer[at : at + 4] == _PCAPNG_MAGIC:
                order = ">" if buffer[at + 8 : at + 12] == b"\x1a\x2b\x3c\x4d" else "<"
                head = Struct(f"{order}II").unpack_from
                kind, length = head(buffer, at)
                interfaces = []
            if length < 12 or length % 4 or length > MAX_BLOCK:
                buffer, at = self._next_section(buffer, at)
                continue
            if len(buffer) - at < length:
                buffer, at = _at_least(self._read, buffer[at:], length), 0
                if len(buffer) < length:
                    self.cut = True
                    return
            end = at + length - 4
            packet = self._block(kind, order, interfaces, buffer, at + 8, end)
            if packet is not None:
                yield packet
            at = end + 4

    def _block(
        self,
        kind: int,
        order: str,
        interfaces: list[tuple[int, float, float]],
        buffer: bytes,
        at: int,
        end: int,
    ) -> Packet | None:
        if kind == _PACKET or (kind == _OLD_PACKET and end - at >= 20):
            if end - at < 20:
                return None
            number, high, low, captured, whole = _PACKET_HEAD[order](buffer, at)
            if kind == _OLD_PACKET:
                number = number >> 16 if order == ">" else number & 0xFFFF
            start = at + 20
            if number >= len(interfaces) or start + captured > end:
                self.skipped += end - at
                return None
            link, unit, shift = interfaces[number]
            when = (high << 32 | low) * unit + shift
            return when, link, buffer, start, start + captured, whole
        if kind == _SIMPLE and interfaces and end - at >= 4:
            whole = Struct(f"{order}I").unpack_from(buffer, at)[0]
            return 0.0, interfaces[0][0], buffer, at + 4, min(end, at + 4 + whole), whole
        if kind == _INTERFACE and end - at >= 8 and len(interfaces) < _MAX_INTERFACES:
            interfaces.append(_interface(order, buffer[at:end]))
        elif kind == _SECRETS and end - at >= 8:
            sort, size = Struct(f"{order}II").unpack_from(buffer, at)
            room = MAX_SECRETS - len(self.secrets)
            if sort == _TLS_KEY_LOG:
                self.secrets += buffer[at + 8 : min(at + 8 + size, end)][:room] + b"\n"
        return None

    def _next_section(self, buffer: bytes, at: int) -> tuple[bytes, int]:
        """Blocks have no mark to find them by; sections have."""
        at += 1
        while True:
            found = buffer.find(_PCAPNG_MAGIC, at)
            if found >= 0:
                self.skipped += found - at + 1
                return buffer, found
            self.skipped += max(len(buffer) - at - 3, 0)
            more = self._read(CHUNK)
            if not more:
                self.skipped += min(3, len(buffer) - at)
                return b"", 0
            buffer, at = buffer[-3:] + more, 0


_PACKET_HEAD = {order: Struct(f"{order}5I").unpack_from for order in "<>"}


def _interface(order: str, body: bytes) -> tuple[int, float, float]:
    """Link type, seconds a tick, seconds to add."""
    link = Struct(f"{order}H").unpack_from(body)[0]
    unit, shift = 1e-6, 0.0
    at = 8
    while at + 4 <= len(body):
        code, size = Struct(f"{order}HH").unpack_from(body, at)
        value = body[at + 4 : at + 4 + size]
        if code == 9 and value:
            power = value[0] & 0x7F
            unit = 2.0**-power if value[0] & 0x80 else 10.0**-power
        elif code == 14 and len(value) == 8:
            shift = float(Struct(f"{order}q").unpack(value)[0])
        elif code == 0:
            break
        at += 4 + size + (-size % 4)
    return link, unit, shift


def _follows(header: Callable[..., tuple[int, ...]], buffer: bytes, at: int) -> bool:
    """Apart from the time, a header that makes sense is here, and another one where the packet ends."""
    for _ in range(2):
        if len(buffer) - at < 16:
            return True  # the file's last packet
        _, part, captured, whole = header(buffer, at)
        if not (part < 10**9 and 0 < captured <= whole <= MAX_PACKET):
            return False
        at += 16 + captured
    return True


def _plausible(header: Callable[..., tuple[int, ...]], buffer: bytes, at: int, last: int) -> bool:
    """A header here, and another one where it says that the packet ends, both near `last` in time."""
    for _ in range(2):
        if at == len(buffer):
            return True
        if len(buffer) - at < 16:
            return False
        seconds, part, captured, whole = header(buffer, at)
        near = not last or abs(seconds - last) < _DAY
        if not (near and part < 10**9 and 14 <= captured <= whole <= MAX_PACKET):
            return False
        last = seconds
        at += 16 + captured
    return True


def _at_least(read: Read, have: bytes, size: int) -> bytes:
    """`have` and what follows, until there are `size` bytes or no more."""
    if len(have) >= size:
        return have
    parts = [have]
    count = len(have)
    while count < size:
        more = read(max(CHUNK, size - count))
        if not more:
            break
        parts.append(more)
        count += len(more)
    return b"".join(parts)
