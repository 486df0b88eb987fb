"""Keys and tokens of NATS: Ed25519 (RFC 8032) with a name for what it is for, and claims signed with it.

Theory of operation
-------------------
An nkey is base32 without padding of: a prefix byte that makes its first letter say what it is (O operator, A account,
U user), the 32 raw bytes, and CRC-16/XMODEM of these, little-endian. A seed has a prefix of two bytes: S, and five
bits each of that of the public key. A token is a JWT with the algorithm's name `ed25519-nkey` and, beside the
registered claims (RFC 7519), one named `nats`; the issuer's nkey is in `iss`, and the signature is over the two
base64url parts with the full stop between them.
"""

from __future__ import annotations

import base64
import binascii
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from detector.errors import WireError
from detector.model.no_json import NO_JSON

Kind = Literal["operator", "account", "user"]
_PREFIX: dict[Kind, int] = {"operator": 14 << 3, "account": 0, "user": 20 << 3}
_SEED = 18 << 3
_PUBLIC_LENGTH, _SEED_LENGTH = 56, 58
# A token of a fleet's account grows with the agents that were revoked.
MAX_TOKEN = 4 << 20
_HEADER = {"typ": "JWT", "alg": "ed25519-nkey"}


class NKey:
    """A key pair.

    Attributes:
        kind: what it is for.
        public: its name, e.g. "UAB...".

    """

    def __init__(self, kind: Kind, raw: bytes) -> None:
        self._raw = raw
        self._private = Ed25519PrivateKey.from_private_bytes(raw)
        self.kind: Kind = kind
        self.public = public_of(kind, self._private.public_key().public_bytes_raw())

    @classmethod
    def read(cls, seed: str) -> NKey:
        """From its seed, "SU...". Raises WireError."""
        data = _unwrapped(seed, _SEED_LENGTH)
        prefix = (data[0] & 7) << 5 | data[1] >> 3
        kind = next((kind for kind, one in _PREFIX.items() if one == prefix), None)
        if data[0] & 0xF8 != _SEED or kind is None:
            raise WireError("no seed of a NATS operator, account or user", 0)
        return cls(kind, data[2:])

    @property
    def seed(self) -> str:
        """The secret half, as files of NATS have it."""
        prefix = _PREFIX[self.kind]
        return _wrapped(bytes((_SEED | prefix >> 5, (prefix & 31) << 3)) + self._raw)

    def sign(self, data: bytes) -> bytes:
        """64 bytes."""
        return self._private.sign(data)

    def __repr__(self) -> str:
        return f"NKey({self.public})"


def public_of(kind: Kind, raw: bytes) -> str:
    """The name of a public key of 32 bytes."""
    return _wrapped(bytes((_PREFIX[kind],)) + raw)


def raw_of(public: str, kind: Kind) -> bytes:
    """The public key's 32 bytes. Raises WireError where it is damaged or of another kind."""
    data = _unwrapped(public, _PUBLIC_LENGTH)
    if data[0] != _PREFIX[kind]:
        raise WireError(f"no key of a NATS {kind}", 0)
    return data[1:]


def verify(public: str, kind: Kind, data: bytes, signature: bytes) -> bool:
    """Whether this key signed the data. Raises WireError for a key that is none."""
    try:
        Ed25519PublicKey.from_public_bytes(raw_of(public, kind)).verify(signature, data)
    except InvalidSignature:
        return False
    return True


def signed_token(claims: dict[str, object], issuer: NKey) -> str:
    """The JWT of these claims; `iss` is added."""
    body = _base64(msgspec.json.encode({**claims, "iss": issuer.public}))
    text = f"{_base64(msgspec.json.encode(_HEADER))}.{body}"
    return f"{text}.{_base64(issuer.sign(text.encode()))}"


def claims_of(token: str, issuer: str, kind: Kind) -> dict[str, object]:
    """What a token says. Raises WireError unless this issuer signed it."""
    text, _, signature = token.rpartition(".")
    header, _, body = text.partition(".")
    if len(token) > MAX_TOKEN:
        raise WireError("a token that is too large", MAX_TOKEN)
    try:
        given = msgspec.json.decode(_unbase64(header), type=dict[str, str])
        claims: dict[str, object] = msgspec.json.decode(_unbase64(body), type=dict[str, object])
        sealed = _unbase64(signature)
    except (*NO_JSON, ValueError):
        raise WireError("no token", 0) from None
    if given.get("alg") != _HEADER["alg"] or claims.get("iss") != issuer:
        raise WireError("a token of another issuer", 0)
    if not verify(issuer, kind, text.encode(), sealed):
        raise WireError("a token whose signature is wrong", len(text))
    return claims


def _wrapped(data: bytes) -> str:
    whole = data + binascii.crc_hqx(data, 0).to_bytes(2, "little")
    return base64.b32encode(whole).decode().rstrip("=")


def _unwrapped(text: str, length: int) -> bytes:
    if len(text) != length:
        raise WireError(f"a NATS key of {len(text)} characters in place of {length}", 0)
    try:
        data = base64.b32decode(text + "=" * (-length % 8))
    except (binascii.Error, ValueError):
        raise WireError("a NATS key that is no base32", 0) from None
    if binascii.crc_hqx(data[:-2], 0).to_bytes(2, "little") != data[-2:]:
        raise WireError("a NATS key with a wrong checksum", len(data) - 2)
    if _wrapped(data[:-2]) != text:
        raise WireError("a NATS key with bits that mean nothing", len(text) - 1)
    return data[:-2]


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unbase64(text: str) -> bytes:
    return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
