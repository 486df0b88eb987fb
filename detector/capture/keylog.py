"""TLS 1.3 opened with a key log: what was encrypted of the handshake, and the alerts after it.

The format is that of NSS (draft-ietf-tls-keylogfile), as SSLKEYLOGFILE makes browsers, curl, Java agents and
Python write it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from detector.errors import WireError
from detector.wire import registry as r
from detector.wire.compressed_certificate import unpacked_certificate
from detector.wire.key_schedule import RecordOpener, can_read
from detector.wire.records import ALERT, HANDSHAKE, HandshakeReader

_LABELS = {
    b"CLIENT_HANDSHAKE_TRAFFIC_SECRET": "client handshake",
    b"SERVER_HANDSHAKE_TRAFFIC_SECRET": "server handshake",
    b"CLIENT_TRAFFIC_SECRET_0": "client traffic",
    b"SERVER_TRAFFIC_SECRET_0": "server traffic",
}
_OTHERS = (b"CLIENT_RANDOM", b"RSA", b"CLIENT_EARLY_TRAFFIC_SECRET", b"EXPORTER_SECRET")
MAX_KEYS = 1 << 20
_FINISHED = 20


class Opened(msgspec.Struct):
    """What one side said under encryption."""

    messages: list[tuple[int, bytes]] = msgspec.field(default_factory=list)
    alerts: list[tuple[int, int]] = msgspec.field(default_factory=list)
    finished: bool = False


class KeyLog:
    """Secrets by client random.

    `others` counts lines whose secrets are of no use here: TLS 1.2's, early data's, exporters'.
    """

    def __init__(self) -> None:
        self.others = 0
        self._secrets: dict[bytes, dict[str, bytes]] = {}

    def __len__(self) -> int:
        return len(self._secrets)

    def __contains__(self, random: bytes) -> bool:
        return random in self._secrets

    def add(self, lines: Iterable[bytes]) -> None:
        """Lines of a key log; those that make no sense are passed over."""
        for line in lines:
            words = line.split()
            label = _LABELS.get(words[0]) if len(words) == 3 else None
            if label is None and len(words) == 3 and words[0] in _OTHERS:
                self.others += 1
            if label is None or len(words[1]) != 64 or len(self._secrets) >= MAX_KEYS:
                continue
            try:
                random, secret = (bytes.fromhex(word.decode("ascii")) for word in words[1:])
            except (ValueError, UnicodeDecodeError):
                continue
            self._secrets.setdefault(random, {})[label] = secret

    def secrets(self, random: bytes) -> Mapping[str, bytes]:
        """What is known for a client's random: "client handshake", "server traffic" ... -> secret."""
        return self._secrets.get(random, {})

    def open(
        self, random: bytes, suite: int, side: str, raw: Iterable[tuple[int, bytes]]
    ) -> Opened:
        """Messages and alerts of one side ("client" or "server") as far as the keys open them."""
        found = Opened()
        secrets = self.secrets(random)
        secret = secrets.get(f"{side} handshake")
        if secret is None or not can_read(suite):
            return found
        try:
            opener = RecordOpener(suite, secret)
        except ValueError:  # a secret of the wrong length
            return found
        joined = HandshakeReader()
        for kind, payload in raw:
            if kind != 23:
                continue
            try:
                content, plain = opener.open(payload)
                if content == HANDSHAKE:
                    for message in joined.feed(plain):
                        if len(found.messages) < 64:
                            found.messages.append((message.type, message.body))
                        if message.type == _FINISHED and not found.finished:
                            found.finished = True
                            after = secrets.get(f"{side} traffic")
                            if after is None:
                                return found
                            opener = RecordOpener(suite, after)
                elif content == ALERT and len(plain) == 2:
                    found.alerts.append((plain[0], plain[1]))
            except (WireError, ValueError):
                if found.messages or side == "server":
                    break
                # Early data goes before, under keys of its own (RFC 8446 section 4.2.10).
                opener = RecordOpener(suite, secret)
        return found


def certificate_messages(opened: Opened) -> tuple[bytes | None, bytes | None, bytes | None]:
    """Bodies of Certificate, CertificateRequest and EncryptedExtensions.

    Raises WireError for a compressed certificate that does not unpack.
    """
    by_type = dict(reversed(opened.messages))
    certificate, packed = by_type.get(r.CERTIFICATE), by_type.get(r.COMPRESSED_CERTIFICATE)
    if certificate is None and packed is not None:
        certificate = unpacked_certificate(packed)
    return (
        certificate,
        by_type.get(r.CERTIFICATE_REQUEST),
        by_type.get(r.ENCRYPTED_EXTENSIONS),
    )
