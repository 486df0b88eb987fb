"""TLS 1.3's handshake keys, as far as the server's first flight needs them (RFC 8446 section 7.1).

Only reading is done here: the flight that is encrypted with the server's handshake traffic secret.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from detector.errors import WireError

# Suite -> hash, key length in bytes.
SUITES: dict[int, tuple[hashes.HashAlgorithm, int]] = {
    0x1301: (hashes.SHA256(), 16),
    0x1302: (hashes.SHA384(), 32),
    0x1303: (hashes.SHA256(), 32),
}


def can_read(suite: int) -> bool:
    return suite in SUITES


def server_handshake_reader(suite: int, shared: bytes, hellos: bytes) -> RecordOpener:
    """A reader for the server's handshake records.

    Args:
        suite: one that `can_read` knows.
        shared: the (EC)DHE secret.
        hellos: ClientHello and ServerHello, with their message headers.

    """
    algorithm, _ = SUITES[suite]
    empty = _digest(algorithm, b"")
    early = extract(algorithm, bytes(algorithm.digest_size), bytes(algorithm.digest_size))
    derived = expand_label(algorithm, early, b"derived", empty, algorithm.digest_size)
    secret = extract(algorithm, derived, shared)
    traffic = expand_label(
        algorithm, secret, b"s hs traffic", _digest(algorithm, hellos), algorithm.digest_size
    )
    return RecordOpener(suite, traffic)


class RecordOpener:
    """Opens the records of one direction under one traffic secret (RFC 8446 section 5.2)."""

    def __init__(self, suite: int, secret: bytes) -> None:
        algorithm, size = SUITES[suite]
        key = expand_label(algorithm, secret, b"key", b"", size)
        self._iv = expand_label(algorithm, secret, b"iv", b"", 12)
        self._cipher = ChaCha20Poly1305(key) if suite == 0x1303 else AESGCM(key)
        self._sequence = 0

    def open(self, payload: bytes, offset: int = 0) -> tuple[int, bytes]:
        """Content type and content of one application_data record. Raises WireError."""
        header = b"\x17\x03\x03" + len(payload).to_bytes(2, "big")
        number = self._sequence.to_bytes(12, "big")
        nonce = bytes(a ^ b for a, b in zip(self._iv, number, strict=True))
        self._sequence += 1
        try:
            inner = self._cipher.decrypt(nonce, payload, header)
        except (InvalidTag, ValueError):
            raise WireError("record cannot be decrypted", offset) from None
        content = inner.rstrip(b"\x00")
        if not content:
            raise WireError("encrypted record without a content type", offset)
        return content[-1], content[:-1]


def expand_label(
    algorithm: hashes.HashAlgorithm, secret: bytes, label: bytes, context: bytes, size: int
) -> bytes:
    """HKDF-Expand-Label (RFC 8446 section 7.1)."""
    full = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes((len(full),)) + full + bytes((len(context),)) + context
    return HKDFExpand(algorithm, size, info).derive(secret)


def extract(algorithm: hashes.HashAlgorithm, salt: bytes, key: bytes) -> bytes:
    """HKDF-Extract (RFC 5869 section 2.2)."""
    code = hmac.HMAC(salt, algorithm)
    code.update(key)
    return code.finalize()


def _digest(algorithm: hashes.HashAlgorithm, data: bytes) -> bytes:
    digest = hashes.Hash(algorithm)
    digest.update(data)
    return digest.finalize()
