"""A file of certificates without one of them. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

_BLOCK = re.compile(
    rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----([^-]*+)-----END (?:TRUSTED |X509 )?CERTIFICATE-----[ \t]*\r?\n?"
)


def without_certificate(data: bytes, sha256: str) -> bytes:
    """The rest stays as it is, to the byte; of a DER file nothing."""
    if data[:1] == b"\x30":
        return b"" if hashlib.sha256(data).hexdigest() == sha256 else data
    return _BLOCK.sub(lambda block: b"" if _digest(block[1]) == sha256 else block[0], data)


def holds_certificate(data: bytes) -> bool:
    """Whether any is left."""
    return data[:1] == b"\x30" or _BLOCK.search(data) is not None


def _digest(body: bytes) -> str:
    try:
        der = base64.b64decode(b"".join(body.split()))
    except (ValueError, binascii.Error):
        return ""
    # Behind a trusted certificate stands what it is trusted for: its own length says where it ends.
    return hashlib.sha256(der[: _length(der)]).hexdigest()


def _length(der: bytes) -> int:
    if len(der) < 4 or der[1] < 0x80:
        return len(der)
    size = der[1] & 0x7F
    return 2 + size + int.from_bytes(der[2 : 2 + size], "big")
