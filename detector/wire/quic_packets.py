"""QUIC's packets: their headers, their protection (RFC 9001 section 5), the frames in those that are opened.

Theory of operation
-------------------
A packet hides its number, so the header is unmasked first, with a sample of what is encrypted. The number is cut to
one to four bytes; what it stands for follows from the largest one so far (RFC 9000 appendix A.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from detector.errors import WireError
from detector.wire.key_schedule import SUITES, expand_label
from detector.wire.reader import Reader

Sort = Literal["Initial", "0-RTT", "Handshake", "Retry", "Version Negotiation", "1-RTT"]
_LONG: tuple[Sort, ...] = ("Initial", "0-RTT", "Handshake", "Retry")
VERSION_1, VERSION_2 = 0x00000001, 0x6B3343CF
_CHACHA20 = 0x1303


class PacketKeys:
    """Keys of one side at one level.

    Args:
        suite: one that key_schedule.can_read knows.
        secret: the traffic secret.
        version: QUIC's, which names the keys.
        largest: number of the packet before, about.

    """

    def __init__(self, suite: int, secret: bytes, version: int, largest: int = -1) -> None:
        algorithm, size = SUITES[suite]
        prefix = b"quicv2 " if version == VERSION_2 else b"quic "

        def made(what: bytes, length: int) -> bytes:
            return expand_label(algorithm, secret, prefix + what, b"", length)

        key, self._iv, self._hide = made(b"key", size), made(b"iv", 12), made(b"hp", size)
        self._is_chacha = suite == _CHACHA20
        self._cipher = ChaCha20Poly1305(key) if self._is_chacha else AESGCM(key)
        self._largest = largest

    def open(self, packet: bytes, start: int) -> bytes | None:
        """Frames of a packet whose number starts at `start`; None where these are not its keys."""
        sample = packet[start + 4 : start + 20]
        if len(sample) < 16:
            return None
        mask = self._mask(sample)
        first = packet[0] ^ mask[0] & (0x0F if packet[0] & 0x80 else 0x1F)
        size = (first & 3) + 1
        cut = bytes(a ^ b for a, b in zip(packet[start : start + size], mask[1:], strict=False))
        number = whole_number(int.from_bytes(cut), size, self._largest)
        header = bytes((first,)) + packet[1:start] + cut
        nonce = bytes(a ^ b for a, b in zip(self._iv, number.to_bytes(12), strict=True))
        try:
            plain = self._cipher.decrypt(nonce, packet[start + size :], header)
        except (InvalidTag, ValueError):
            return None
        self._largest = max(self._largest, number)
        return plain

    def _mask(self, sample: bytes) -> bytes:
        if self._is_chacha:
            return (
                Cipher(algorithms.ChaCha20(self._hide, sample), None).encryptor().update(bytes(5))
            )
        # One block of what is encrypted already: ECB is what section 5.4.3 asks for.
        return Cipher(algorithms.AES(self._hide), modes.ECB()).encryptor().update(sample)  # noqa: S305


def whole_number(cut: int, size: int, largest: int) -> int:
    """The packet number of which `size` bytes were sent, after `largest`."""
    window = 1 << (8 * size)
    expected = largest + 1
    number = (expected & ~(window - 1)) | cut
    if number + window // 2 <= expected and number + window < 1 << 62:
        return number + window
    return number - window if number > expected + window // 2 and number >= window else number


class Frames:
    """What the frames of opened packets carry, of one side at one level.

    Attributes:
        parts: pieces of the CRYPTO stream by their place.
        closes: error codes of CONNECTION_CLOSE of the transport; 0x100 and above are TLS alerts (RFC 9001
            section 4.8).

    """

    def __init__(self) -> None:
        self.parts: dict[int, bytes] = {}
        self.closes: list[int] = []

    def add(self, plain: bytes) -> None:
        """Read the frames of one packet, as far as they make sense. Never raises."""
        try:
            self._read(Reader(plain))
        except WireError:
            return

    def _read(self, read: Reader) -> None:
        for _ in range(_MAX_FRAMES):
            if not read.left:
                return
            kind = varint(read)
            if kind in (2, 3):
                varint(read), varint(read)
                ranges = varint(read)
                for _ in range(2 * min(ranges, 256) + 1 + (3 if kind == 3 else 0)):
                    varint(read)
            elif kind == 6:
                offset, size = varint(read), varint(read)
                data = read.take(size, "crypto data")
                if offset + size <= MAX_CRYPTO:
                    self.parts.setdefault(offset, data)
            elif kind == 0x1C:
                self.closes.append(varint(read))
                return
            elif kind == 0:
                read = Reader(read.rest().lstrip(b"\0"))  # padding, by the hundreds of bytes
            elif kind == 7:
                read.take(varint(read), "token")
            elif 8 <= kind <= 15:
                if not _stream(read, kind):
                    return
            elif kind == 0x18:
                varint(read), varint(read)
                read.take(read.uint(1, "id length") + 16, "connection id")
            elif kind in (0x1A, 0x1B):
                read.take(8, "path")
            elif kind in _NUMBERS:
                for _ in range(_NUMBERS[kind]):
                    varint(read)
            else:
                return

    @property
    def crypto(self) -> bytes:
        """The CRYPTO stream from its beginning to the first hole."""
        joined = bytearray()
        for offset in sorted(self.parts):
            if offset > len(joined):
                break
            joined += self.parts[offset][len(joined) - offset :]
        return bytes(joined)


MAX_CRYPTO = 1 << 16
_MAX_FRAMES = 512
# Frames of nothing but integers -> how many (RFC 9000 section 19).
_NUMBERS = {
    0x01: 0, 0x04: 3, 0x05: 2, 0x10: 1, 0x11: 2, 0x12: 1, 0x13: 1, 0x14: 1, 0x15: 2, 0x16: 1,
    0x17: 1, 0x19: 1, 0x1E: 0,
}  # fmt: skip


def _stream(read: Reader, kind: int) -> bool:
    """Pass over a STREAM frame; False where it takes the rest of the packet."""
    varint(read)
    if kind & 4:
        varint(read)
    if not kind & 2:
        return False
    read.take(varint(read), "stream data")
    return True


class Head(NamedTuple):
    """A packet in a datagram, by what it shows in clear (RFC 9000 section 17).

    Attributes:
        sort: its type, by the name that the RFC has for it.
        version: 0 for version negotiation, and for a short header.
        to, own: destination and source id; a short header's id has no length that is told, and is left out.
        at, end: where it begins and ends in the datagram.
        number: where its number begins, counted from `at`; 0 where it has none to be told.

    """

    sort: Sort
    version: int
    to: bytes
    own: bytes
    at: int
    end: int
    number: int


def heads(datagram: bytes) -> Iterator[Head]:
    """The packets in a datagram, in order; padding between and behind them is passed over.

    Raises WireError at the first that is not whole.
    """
    at, stop = 0, len(datagram)
    while at < stop:
        if datagram[at] == 0:
            # Firefox fills its datagrams up behind the packet; what segmentation offload puts together
            # has the next datagram behind that.
            at = stop - len(datagram[at:].lstrip(b"\0"))
            continue
        if not datagram[at] & 0x80:
            if datagram[at] & 0x40:
                yield Head("1-RTT", 0, b"", b"", at, stop, 0)
            return
        head = _long(datagram, at)
        yield head
        at = head.end


def _long(datagram: bytes, at: int) -> Head:
    stop = len(datagram)
    read = Reader(datagram[at:], at)
    first = read.uint(1, "first byte")
    version = read.uint(4, "version")
    to = read.vector(1, "destination id").rest()
    own = read.vector(1, "source id").rest()
    if version == 0:
        return Head("Version Negotiation", 0, to, own, at, stop, 0)
    # In version 2 the types are shifted by one (RFC 9369 section 3.2).
    sort = _LONG[(first >> 4 & 3) - (1 if version == VERSION_2 else 0) & 3]
    if sort == "Retry":
        return Head(sort, version, to, own, at, stop, 0)
    if sort == "Initial":
        read.take(varint(read), "token")
    length = varint(read)
    number = read.at
    read.take(length, "packet")
    return Head(sort, version, to, own, at, at + read.at, number)


def varint(read: Reader) -> int:
    """RFC 9000 section 16."""
    first = read.uint(1, "integer")
    size = (1 << (first >> 6)) - 1
    return (first & 0x3F) << (8 * size) | read.uint(size, "integer")
