"""QUIC: Initial packets, whose keys need no secret, and what a key log opens of the rest of the handshake.

Theory of operation
-------------------
The keys of Initial packets follow from the connection id that the client chose first, and from a salt that
belongs to the version (RFC 9001 section 5.2). A ClientHello may be cut over several frames, packets and
datagrams, out of order, which Chromium does on purpose. After a Retry the keys follow from the id that the
client uses then: where a packet does not open, its own id is tried.

Where a key log has secrets for the hello's random, Handshake packets are kept, and the last few of the packets
after them: certificates are in the former, a late alert in the latter.

Sources: RFC 9000, RFC 9001, RFC 9369 (version 2).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Literal

from cryptography.hazmat.primitives import hashes

from detector.capture.keylog import Opened
from detector.errors import WireError
from detector.wire.key_schedule import can_read, expand_label, extract
from detector.wire.quic_packets import VERSION_2, Frames, Head, PacketKeys, heads

Side = Literal["client", "server"]
_V1_SALT = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
_SALTS: dict[int, bytes] = {
    0x00000001: _V1_SALT,
    VERSION_2: bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"),
    0xFF00001D: bytes.fromhex("afbfec289993d24c9e9786f19c6111e04390a899"),  # draft 29
}
_SHA256 = hashes.SHA256()
_INITIAL_SUITE = 0x1301
_MAX_PACKETS = 64
_MAX_KEPT = 64
_LAST = 4
_FINISHED = 20


def may_be_quic(datagram: bytes) -> bool:
    """A long header of a version whose Initial packets can be read, as large as a client's must be."""
    return (
        len(datagram) >= 1200
        and datagram[0] & 0xC0 == 0xC0
        and int.from_bytes(datagram[1:5]) in _SALTS
    )


class QuicReader:
    """The packets of one connection.

    Args:
        keys_wanted: whether a key log has secrets for a client's random; None where there is no key log.

    Attributes:
        crypto: per side the joined bytes of the CRYPTO frames of its Initial packets.
        closes: (side, error code) of CONNECTION_CLOSE frames; 0x100 and above are TLS alerts.
        version: of the last packet that was opened.
        beyond: sides that went on to packets of the next kind: handshake keys or data.
        finished: sides that went on to data, which follows their Finished.

    """

    def __init__(self, keys_wanted: Callable[[bytes], bool] | None = None) -> None:
        self.version = 0
        self.retry = False
        self.negotiated = False
        self.crypto: dict[Side, bytes] = {"client": b"", "server": b""}
        self.closes: list[tuple[Side, int]] = []
        self.beyond: set[Side] = set()
        self.finished: set[Side] = set()
        self._keys_wanted = keys_wanted
        self._keeps = False
        self._kept: dict[Side, list[tuple[bytes, int]]] = {"client": [], "server": []}
        self._latest: dict[Side, deque[bytes]] = {
            side: deque(maxlen=_LAST) for side in ("client", "server")
        }
        self._sent: Counter[Side] = Counter()  # packets after the handshake
        self._ids: dict[Side, int] = {}
        self._frames: dict[Side, Frames] = {"client": Frames(), "server": Frames()}
        self._keys: dict[Side, PacketKeys] = {}
        self._seen = 0

    def feed(self, side: Side, datagram: bytes) -> None:
        """Read the packets of one datagram. Never raises."""
        try:
            for head in heads(datagram):
                if self._seen >= _MAX_PACKETS:
                    return
                if head.sort == "1-RTT":
                    self.beyond.add(side)
                    self.finished.add(side)
                    self._sent[side] += 1
                    if self._keeps:
                        self._latest[side].append(datagram[head.at :])
                elif head.sort == "Version Negotiation":
                    self.negotiated = True
                elif head.version not in _SALTS:
                    return
                else:
                    self._packet(side, head, datagram[head.at : head.end])
        except WireError:
            return

    def opened(self, secrets: Mapping[str, bytes], suite: int) -> tuple[Opened, Opened]:
        """What client and server said under the handshake's keys, and the alerts after it.

        Args:
            secrets: "client handshake", "server traffic" and so on -> traffic secret.
            suite: the negotiated one.

        """
        return self._side("client", secrets, suite), self._side("server", secrets, suite)

    def _side(self, side: Side, secrets: Mapping[str, bytes], suite: int) -> Opened:
        found = Opened()
        secret = secrets.get(f"{side} handshake")
        if secret is None or not can_read(suite):
            return found
        frames = Frames()
        keys = PacketKeys(suite, secret, self.version)
        for packet, start in self._kept[side]:
            frames.add(keys.open(packet, start) or b"")
        found.messages = messages(frames.crypto)
        found.finished = any(kind == _FINISHED for kind, _ in found.messages)
        secret = secrets.get(f"{side} traffic")
        start = 1 + self._ids.get("server" if side == "client" else "client", 0)
        if secret is not None:
            keys = PacketKeys(suite, secret, self.version, max(-1, self._sent[side] - _LAST))
            for packet in self._latest[side]:
                frames.add(keys.open(packet, start) or b"")
        found.alerts = [(2, code - 0x100) for code in frames.closes if 0x100 < code < 0x200]
        return found

    def _packet(self, side: Side, head: Head, packet: bytes) -> None:
        if head.sort == "Retry":
            self.retry = True
        elif head.sort == "Initial":
            self._seen += 1
            self._initial(side, head.version, head.to, packet, head.number)
        elif head.sort == "Handshake":
            self.beyond.add(side)
            self._ids[side] = len(head.own)
            if self._keeps and len(self._kept[side]) < _MAX_KEPT:
                self._kept[side].append((packet, head.number))

    def _initial(self, side: Side, version: int, to: bytes, packet: bytes, start: int) -> None:
        plain = None
        if side in self._keys:
            plain = self._keys[side].open(packet, start)
        if plain is None and side == "client":
            keys = _initial_keys(version, to)
            plain = keys["client"].open(packet, start)
            if plain is not None:
                self._keys = keys
        if plain is None:
            return
        self.version = version
        frames = self._frames[side]
        before = len(frames.closes)
        frames.add(plain)
        self.closes += [(side, code) for code in frames.closes[before:]]
        self.crypto[side] = frames.crypto
        if side == "client" and self._keys_wanted is not None and not self._keeps:
            hello = self.crypto[side][:38]
            self._keeps = len(hello) == 38 and self._keys_wanted(hello[6:])


def messages(stream: bytes, most: int = 16) -> list[tuple[int, bytes]]:
    """The whole handshake messages at the beginning of a CRYPTO stream, at most so many."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while len(stream) - at >= 4 and len(found) < most:
        end = at + 4 + int.from_bytes(stream[at + 1 : at + 4])
        if end > len(stream):
            break
        found.append((stream[at], stream[at + 4 : end]))
        at = end
    return found


def _initial_keys(version: int, to: bytes) -> dict[Side, PacketKeys]:
    secret = extract(_SHA256, _SALTS[version], to)
    sides: tuple[Side, Side] = ("client", "server")
    return {
        side: PacketKeys(
            _INITIAL_SUITE, expand_label(_SHA256, secret, f"{side} in".encode(), b"", 32), version
        )
        for side in sides
    }
