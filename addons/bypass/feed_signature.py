"""Detached Ed25519 signatures of lists: minisign's, and bare ones.

Rules
-----
1. minisign (jedisct1.github.io/minisign): two lines of comments and two of base64. The first signature is over the
   file ("Ed") or its BLAKE2b-512 digest ("ED"); the second one over the first and the trusted comment, which often
   says the time. Both must hold, and the key's number must be the signature's.
2. A bare signature is 64 bytes, or these in hex or base64, over the file (RFC 8032).
3. The kind of the key says which of them is expected: a file cannot choose.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

import msgspec

from detector.errors import ConfigError

MAX_SIGNATURE = 4096
_TIME = re.compile(r"timestamp:([0-9]{1,15})(?![0-9])")
_COMMENT = b"trusted comment: "


class Signed(msgspec.Struct, frozen=True):
    """A signature that holds.

    Attributes:
        text: who signed and what he says, one line.
        time: seconds since 1970 that the trusted comment says.

    """

    text: str
    time: int | None = None


class PublicKey(msgspec.Struct, frozen=True):
    """An Ed25519 key.

    Attributes:
        raw: its 32 bytes.
        number: minisign's key id, None of a bare one.

    """

    raw: bytes
    number: bytes | None = None

    @property
    def ending(self) -> str:
        """Of the file of a signature that it makes."""
        return ".sig" if self.number is None else ".minisig"


def read_key(text: str) -> PublicKey:
    """A key of minisign's (its line, or its file), PEM, or 64 hex digits. Raises ConfigError."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if text.lstrip().startswith("-----BEGIN"):
        return PublicKey(_from_pem(text))
    line = lines[-1] if lines else ""
    if re.fullmatch(r"[0-9A-Fa-f]{64}", line):
        return _checked(PublicKey(bytes.fromhex(line)))
    data = _base64(line)
    if data is None or len(data) != 42 or data[:2] != b"Ed":
        remedy = "give minisign's key (RW...), a PEM public key, or 64 hex digits"
        raise ConfigError("key", "is no Ed25519 public key", remedy=remedy)
    return _checked(PublicKey(data[10:], data[2:10]))


def verify(data: bytes, signature: bytes, key: PublicKey) -> Signed:
    """What the signature says. Raises ConfigError where it does not hold."""
    if len(signature) > MAX_SIGNATURE:
        raise ConfigError("signature", f"is larger than {MAX_SIGNATURE} bytes")
    if key.number is not None:
        return _minisign(data, signature, key)
    bare = _bare(signature)
    if bare is None or not _holds(key.raw, bare, data):
        raise ConfigError("signature", "is not made over this list with this key")
    return Signed(f"Ed25519 key {key.raw.hex()[:16]}")


def _minisign(data: bytes, signature: bytes, key: PublicKey) -> Signed:
    lines = [line.rstrip(b"\r") for line in signature.rstrip(b"\r\n").split(b"\n")]
    if len(lines) != 4 or not lines[2].startswith(_COMMENT):
        raise ConfigError("signature", "is none of minisign's")
    first, second = _base64(lines[1]), _base64(lines[3])
    if first is None or len(first) != 74 or second is None or len(second) != 64:
        raise ConfigError("signature", "is none of minisign's")
    if first[:2] not in (b"Ed", b"ED"):
        raise ConfigError("signature", "is of a kind that is not known")
    if first[2:10] != key.number:
        raise ConfigError("signature", f"is made with the key {_number(first[2:10])}, not this one")
    signed = hashlib.blake2b(data).digest() if first[:2] == b"ED" else data
    comment = lines[2][len(_COMMENT) :]
    if not _holds(key.raw, first[10:], signed):
        raise ConfigError("signature", "is not made over this list with this key")
    if not _holds(key.raw, second, first[10:] + comment):
        raise ConfigError("signature", "its comment was changed")
    said = comment.decode("utf-8", "replace")
    time = _TIME.search(said)
    return Signed(
        f"minisign key {_number(first[2:10])}: {said[:200]}", int(time[1]) if time else None
    )


def _bare(signature: bytes) -> bytes | None:
    if len(signature) == 64:
        return signature
    text = signature.strip()
    try:
        if len(text) == 128:
            return bytes.fromhex(text.decode("ascii"))
    except (ValueError, UnicodeDecodeError):
        return None
    found = _base64(text)
    return found if found is not None and len(found) == 64 else None


def _holds(key: bytes, signature: bytes, data: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def _from_pem(text: str) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError("key", f"is no public key: {str(error)[:100]}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError("key", "is no Ed25519 key")
    return key.public_bytes_raw()


def _checked(key: PublicKey) -> PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key.raw)
    except ValueError:
        raise ConfigError("key", "is no Ed25519 public key") from None
    return key


def _base64(text: str | bytes) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _number(raw: bytes) -> str:
    """As minisign shows it."""
    return raw[::-1].hex().upper()
