"""QUIC's Initial packets: keys that need no secret, CRYPTO frames, the hellos in them.

Theory of operation
-------------------
The keys of Initial packets follow from the connection id that the client chose first, and from a salt that
belongs to the version (RFC 9001 section 5.2). A ClientHello may be cut over several frames, packets and
datagrams, out of order, which Chromium does on purpose. After a Retry the keys follow from the id that the
client uses then: where a packet does not open, its own id is tried.

Sources: RFC 9000, RFC 9001, RFC 9369 (version 2).
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from detector.errors import WireError
from detector.wire.key_schedule import expand_label, extract
from detector.wire.reader import Reader

_SALTS: dict[int, tuple[bytes, str]] = {
    0x00000001: (bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"), "quic"),
    0x6B3343CF: (bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"), "quicv2"),
    0xFF00001D: (bytes.fromhex("afbfec289993d24c9e9786f19c6111e04390a899"), "quic"),  # draft 29
}
_SHA256 = hashes.SHA256()
_MAX_CRYPTO = 1 << 16
_MAX_FRAMES = 512
_MAX_PACKETS = 64


def may_be_quic(datagram: bytes) -> bool:
    """A long header of a version whose Initial packets can be read, as large as a client's must be."""
    return (
        len(datagram) >= 1200
        and datagram[0] & 0xC0 == 0xC0
        and int.from_bytes(datagram[1:5]) in _SALTS
    )


class QuicReader:
    """The Initial packets of one connection.

    Attributes:
        crypto: per side ("client", "server") the joined bytes of its CRYPTO frames.
        closes: (side, error code) of CONNECTION_CLOSE frames; 0x100 and above are TLS alerts.
        version: of the last packet that was opened.
        beyond: sides that went on to packets of the next kind: handshake keys or data.

    """

    def __init__(self) -> None:
        self.version = 0
        self.retry = False
        self.negotiated = False
        self.crypto = {"client": b"", "server": b""}
        self.closes: list[tuple[str, int]] = []
        self.beyond: set[str] = set()
        self._parts: dict[str, dict[int, bytes]] = {"client": {}, "server": {}}
        self._keys: dict[str, _PacketKeys] = {}
        self._seen = 0

    def feed(self, side: str, datagram: bytes) -> None:
        """Read the packets of one datagram. Never raises."""
        at = 0
        try:
            while at < len(datagram) and self._seen < _MAX_PACKETS:
                if datagram[at] == 0:
                    # Firefox fills its datagrams up behind the packet; what segmentation offload puts
                    # together has the next datagram behind that.
                    at = len(datagram) - len(datagram[at:].lstrip(b"\0"))
                    continue
                if not datagram[at] & 0x80:
                    self.beyond.add(side)
                    return
                at = self._packet(side, datagram, at)
        except WireError:
            return

    def _packet(self, side: str, datagram: bytes, at: int) -> int:
        read = Reader(datagram[at:], at)
        first = read.uint(1, "first byte")
        version = read.uint(4, "version")
        to = read.vector(1, "destination id").rest()
        read.vector(1, "source id")
        if version == 0:
            self.negotiated = True
            return len(datagram)
        if version not in _SALTS:
            return len(datagram)
        sort = (first >> 4 & 3) - (1 if version == 0x6B3343CF else 0) & 3
        if sort == 3:
            self.retry = True
            return len(datagram)
        if sort == 0:
            read.take(_varint(read), "token")
        length = _varint(read)
        start = read.at
        read.take(length, "packet")
        if sort == 0:
            self._seen += 1
            whole = datagram[at : at + start + length]
            self._initial(side, version, to, whole, start)
        elif sort == 2:
            self.beyond.add(side)
        return at + start + length

    def _initial(self, side: str, version: int, to: bytes, packet: bytes, start: int) -> None:
        plain = None
        if side in self._keys:
            plain = self._keys[side].open(packet, start)
        if plain is None and side == "client":
            salt, labels = _SALTS[version]
            secret = extract(_SHA256, salt, to)
            keys = {
                name: _PacketKeys(
                    expand_label(_SHA256, secret, f"{name} in".encode(), b"", 32), labels
                )
                for name in ("client", "server")
            }
            plain = keys["client"].open(packet, start)
            if plain is not None:
                self._keys = keys
        if plain is None:
            return
        self.version = version
        self._frames(side, plain)

    def _frames(self, side: str, plain: bytes) -> None:
        read = Reader(plain)
        for _ in range(_MAX_FRAMES):
            if not read.left:
                break
            kind = _varint(read)
            if kind in (2, 3):
                _varint(read), _varint(read)
                ranges = _varint(read)
                for _ in range(2 * min(ranges, 256) + 1 + (3 if kind == 3 else 0)):
                    _varint(read)
            elif kind == 6:
                offset, size = _varint(read), _varint(read)
                if offset + size <= _MAX_CRYPTO:
                    self._parts[side].setdefault(offset, read.take(size, "crypto data"))
            elif kind in (0x1C, 0x1D):
                self.closes.append((side, _varint(read)))
                break
            elif kind == 0:
                rest = read.rest().lstrip(b"\0")  # padding, by the hundreds of bytes
                read = Reader(rest)
            elif kind != 1:
                break
        joined = bytearray()
        for offset in sorted(self._parts[side]):
            if offset > len(joined):
                break
            joined += self._parts[side][offset][len(joined) - offset :]
        self.crypto[side] = bytes(joined)


class _PacketKeys:
    """Keys of one side's Initial packets (RFC 9001 section 5)."""

    def __init__(self, secret: bytes, labels: str) -> None:
        def made(what: str, size: int) -> bytes:
            return expand_label(_SHA256, secret, f"{labels} {what}".encode(), b"", size)

        self._cipher = AESGCM(made("key", 16))
        self._iv = made("iv", 12)
        # One block under a key that anybody can compute: ECB is what the RFC asks for.
        self._mask = Cipher(algorithms.AES(made("hp", 16)), modes.ECB())  # noqa: S305

    def open(self, packet: bytes, start: int) -> bytes | None:
        """Frames of a packet whose number starts at `start`; None where these are not its keys."""
        sample = packet[start + 4 : start + 20]
        if len(sample) < 16:
            return None
        mask = self._mask.encryptor().update(sample)
        first = packet[0] ^ mask[0] & 0x0F
        size = (first & 3) + 1
        number = bytes(a ^ b for a, b in zip(packet[start : start + size], mask[1:], strict=False))
        header = bytes((first,)) + packet[1:start] + number
        nonce = bytes(a ^ b for a, b in zip(self._iv, bytes(12 - size) + number, strict=True))
        try:
            return self._cipher.decrypt(nonce, packet[start + size :], header)
        except (InvalidTag, ValueError):
            return None


def _varint(read: Reader) -> int:
    """RFC 9000 section 16."""
    first = read.uint(1, "integer")
    size = (1 << (first >> 6)) - 1
    return (first & 0x3F) << (8 * size) | read.uint(size, "integer")
