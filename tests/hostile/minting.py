"""Certificates that no library would let one build, signed all the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from detector.lab.pki import Authority, encoded

SEQUENCE, SET, INTEGER, OID, OCTETS, BITS, UTF8, BOOLEAN = (
    0x30, 0x31, 0x02, 0x06, 0x04, 0x03, 0x0C, 0x01,
)  # fmt: skip
_ECDSA_SHA256 = encoded(SEQUENCE, encoded(OID, bytes.fromhex("2a8648ce3d040302")))
_RSA = encoded(SEQUENCE, encoded(OID, bytes.fromhex("2a864886f70d010101")) + b"\x05\0")
_serials = count(1_000_003)


def name(*values: bytes, kind: int = UTF8) -> bytes:
    """A Name whose common names are these bytes, whatever they are."""
    common = bytes.fromhex("550403")
    parts = (encoded(SEQUENCE, encoded(OID, common) + encoded(kind, value)) for value in values)
    return encoded(SEQUENCE, b"".join(encoded(SET, part) for part in parts))


def extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    """One extension; `oid` is the hex of its encoded identifier."""
    flag = encoded(BOOLEAN, b"\xff") if critical else b""
    return encoded(SEQUENCE, encoded(OID, bytes.fromhex(oid)) + flag + encoded(OCTETS, value))


def dns_names(*names: bytes) -> bytes:
    return extension("551d11", encoded(SEQUENCE, b"".join(encoded(0x82, n) for n in names)))


def is_ca() -> bytes:
    return extension("551d13", encoded(SEQUENCE, encoded(BOOLEAN, b"\xff")), critical=True)


def addresses(url: bytes) -> bytes:
    """Authority information access: the issuer's certificate and the responder; and the list."""
    place = encoded(0x86, url)
    issuer = encoded(OID, bytes.fromhex("2b06010505073002")) + place
    responder = encoded(OID, bytes.fromhex("2b06010505073001")) + place
    access = encoded(SEQUENCE, encoded(SEQUENCE, issuer) + encoded(SEQUENCE, responder))
    point = encoded(SEQUENCE, encoded(0xA0, encoded(0xA0, place)))
    return extension("2b06010505070101", access) + extension("551d1f", encoded(SEQUENCE, point))


def public_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def rsa_key(modulus: int, exponent: int) -> bytes:
    """An RSA key of any size, which nobody has to have made."""
    inner = encoded(SEQUENCE, _integer(modulus) + _integer(exponent))
    return encoded(SEQUENCE, _RSA + encoded(BITS, b"\0" + inner))


def _integer(value: int) -> bytes:
    return encoded(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def mint(
    subject: bytes,
    spki: bytes,
    issuer: bytes,
    signer: ec.EllipticCurvePrivateKey | None,
    extensions: Sequence[bytes] = (),
) -> bytes:
    """A certificate of today; without a signer its signature is rubbish."""
    now = datetime.now(UTC)
    times = ((now + timedelta(days=d)).strftime("%y%m%d%H%M%SZ").encode() for d in (-1, 60))
    body = encoded(
        SEQUENCE,
        encoded(0xA0, b"\x02\x01\x02")
        + _integer(next(_serials))
        + _ECDSA_SHA256
        + issuer
        + encoded(SEQUENCE, b"".join(encoded(0x17, time) for time in times))
        + subject
        + spki
        + encoded(0xA3, encoded(SEQUENCE, b"".join(extensions))),
    )
    signature = signer.sign(body, ec.ECDSA(hashes.SHA256())) if signer else bytes(64)
    return encoded(SEQUENCE, body + _ECDSA_SHA256 + encoded(BITS, b"\0" + signature))


def minted_by(
    authority: Authority, subject: bytes, spki: bytes, extensions: Sequence[bytes] = ()
) -> bytes:
    """The same, by a CA of the lab."""
    assert isinstance(authority.key, ec.EllipticCurvePrivateKey)
    return mint(subject, spki, authority.subject.public_bytes(), authority.key, extensions)
