"""What an AlgorithmIdentifier says of a signature: who makes such ones, and over which digest.

Sources: RFC 3279, RFC 4055, RFC 5758, RFC 8410, RFC 8692 (SHA-3 by NIST's identifiers), RFC 9881
(ML-DSA), RFC 9909 (SLH-DSA), draft-ietf-lamps-pq-composite-sigs, draft-ietf-plants-merkle-tree-certs.

Parameters of all but RSASSA-PSS are not read: certificates are about that have them wrong, and none
of them changes what is computed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import msgspec

from detector.chain import der
from detector.errors import CertificateError

KeyKind = Literal[
    "rsa", "ec", "dsa", "ed25519", "ed448", "ml-dsa-44", "ml-dsa-65", "ml-dsa-87"
]  # fmt: skip


class Scheme(msgspec.Struct, frozen=True):
    """How a signature is made.

    Attributes:
        name: for a person; the dotted identifier where there is no better.
        signer: the kind of key that makes it, None where nothing here can check it.
        digest: of what is signed, e.g. "sha256"; None where the algorithm takes the whole.
        mask: digest of the mask of RSASSA-PSS, None for other schemes.
        salt: bytes of salt of RSASSA-PSS.

    """

    name: str
    signer: KeyKind | None = None
    digest: str | None = None
    mask: str | None = None
    salt: int = 0


_NIST = "2.16.840.1.101.3.4.3."
_PSS = "1.2.840.113549.1.1.10"
_MGF1 = "1.2.840.113549.1.1.8"

# Identifier -> (kind of key, digest).
_KNOWN: dict[str, tuple[KeyKind, str]] = {
    "1.2.840.113549.1.1.2": ("rsa", "md2"),
    "1.2.840.113549.1.1.3": ("rsa", "md4"),
    "1.2.840.113549.1.1.4": ("rsa", "md5"),
    "1.2.840.113549.1.1.5": ("rsa", "sha1"),
    "1.3.14.3.2.29": ("rsa", "sha1"),
    "1.2.840.113549.1.1.11": ("rsa", "sha256"),
    "1.2.840.113549.1.1.12": ("rsa", "sha384"),
    "1.2.840.113549.1.1.13": ("rsa", "sha512"),
    "1.2.840.113549.1.1.14": ("rsa", "sha224"),
    "1.2.840.113549.1.1.15": ("rsa", "sha512-224"),
    "1.2.840.113549.1.1.16": ("rsa", "sha512-256"),
    f"{_NIST}13": ("rsa", "sha3-224"),
    f"{_NIST}14": ("rsa", "sha3-256"),
    f"{_NIST}15": ("rsa", "sha3-384"),
    f"{_NIST}16": ("rsa", "sha3-512"),
    "1.2.840.10045.4.1": ("ec", "sha1"),
    "1.2.840.10045.4.3.1": ("ec", "sha224"),
    "1.2.840.10045.4.3.2": ("ec", "sha256"),
    "1.2.840.10045.4.3.3": ("ec", "sha384"),
    "1.2.840.10045.4.3.4": ("ec", "sha512"),
    f"{_NIST}9": ("ec", "sha3-224"),
    f"{_NIST}10": ("ec", "sha3-256"),
    f"{_NIST}11": ("ec", "sha3-384"),
    f"{_NIST}12": ("ec", "sha3-512"),
    "1.2.840.10040.4.3": ("dsa", "sha1"),
    f"{_NIST}1": ("dsa", "sha224"),
    f"{_NIST}2": ("dsa", "sha256"),
    f"{_NIST}3": ("dsa", "sha384"),
    f"{_NIST}4": ("dsa", "sha512"),
}
_WHOLE: dict[str, tuple[KeyKind, str]] = {
    "1.3.101.112": ("ed25519", "Ed25519"),
    "1.3.101.113": ("ed448", "Ed448"),
    f"{_NIST}17": ("ml-dsa-44", "ML-DSA-44"),
    f"{_NIST}18": ("ml-dsa-65", "ML-DSA-65"),
    f"{_NIST}19": ("ml-dsa-87", "ML-DSA-87"),
}
# Identifiers, or how they begin, of which no more is known here than the name.
_NAMED = (
    ("1.3.6.1.4.1.44363.47.", "a Merkle Tree Certificate proof"),
    ("1.3.6.1.5.5.7.6.", "a composite of ML-DSA and another algorithm"),
    ("2.16.840.1.114027.80.", "a composite of ML-DSA and another algorithm"),
    ("1.2.643.", "GOST"),
    ("1.2.156.10197.", "SM2"),
    ("0.4.0.127.0.7.", "ECDSA in BSI's plain form"),
)
_SLH_DSA = frozenset(f"{_NIST}{n}" for n in (*range(20, 32), *range(35, 47)))

_DIGESTS = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.5": "sha512-224",
    "2.16.840.1.101.3.4.2.6": "sha512-256",
    "2.16.840.1.101.3.4.2.7": "sha3-224",
    "2.16.840.1.101.3.4.2.8": "sha3-256",
    "2.16.840.1.101.3.4.2.9": "sha3-384",
    "2.16.840.1.101.3.4.2.10": "sha3-512",
}
_SIGNERS: dict[KeyKind, str] = {"rsa": "RSA", "ec": "ECDSA", "dsa": "DSA"}


@lru_cache(maxsize=256)
def read_scheme(algorithm: bytes) -> Scheme:
    """The scheme of an AlgorithmIdentifier (DER). Raises CertificateError where it is none."""
    start, end = der.expect(algorithm, 0, len(algorithm), der.SEQUENCE, "signature algorithm")
    start, stop = der.expect(algorithm, start, end, der.OID, "signature algorithm's identifier")
    oid = der.oid_text(algorithm[start:stop])
    if oid == _PSS:
        return _read_pss(algorithm, stop, end)
    if oid in _KNOWN:
        signer, digest = _KNOWN[oid]
        return Scheme(f"{_SIGNERS[signer]} with {digest.upper()}", signer, digest)
    if oid in _WHOLE:
        signer, name = _WHOLE[oid]
        return Scheme(name, signer)
    if oid in _SLH_DSA:
        return Scheme("SLH-DSA")
    return Scheme(next((name for start_, name in _NAMED if oid.startswith(start_)), oid))


def _read_pss(data: bytes, at: int, end: int) -> Scheme:
    """RSASSA-PSS-params of RFC 4055 section 3.1; what is left out has SHA-1 and 20 bytes."""
    digest: str | None = "sha1"
    mask: str | None = "sha1"
    salt = 20
    if at < end:
        first, last = der.expect(data, at, end, der.SEQUENCE, "parameters of RSASSA-PSS")
        for tag, start, stop in der.children(data, first, last, 4):
            if tag == 0xA0:
                digest = _digest(data, start, stop)
            elif tag == 0xA1:
                inner, till = der.expect(data, start, stop, der.SEQUENCE, "mask of RSASSA-PSS")
                a, b = der.expect(data, inner, till, der.OID, "mask of RSASSA-PSS")
                mgf1 = der.oid_text(data[a:b]) == _MGF1
                mask = _digest(data, b, till) if mgf1 else None
            elif tag == 0xA2:
                salt = der.integer(data, *der.expect(data, start, stop, der.INTEGER, "salt"))
            elif tag != 0xA3 or data[start:stop] != b"\x02\x01\x01":
                return Scheme("RSASSA-PSS")  # with another trailer than the only one there is
    if digest is None or mask is None or not 0 <= salt <= 1024:
        return Scheme("RSASSA-PSS")
    return Scheme(f"RSASSA-PSS with {digest.upper()}", "rsa", digest, mask, salt)


def _digest(data: bytes, at: int, end: int) -> str | None:
    start, stop = der.expect(data, at, end, der.SEQUENCE, "digest of RSASSA-PSS")
    start, stop = der.expect(data, start, stop, der.OID, "digest of RSASSA-PSS")
    return _DIGESTS.get(der.oid_text(data[start:stop]))


def words(algorithm: bytes) -> str:
    """What an AlgorithmIdentifier names, for a sentence."""
    try:
        return read_scheme(algorithm).name
    except CertificateError:
        return "something that cannot be read"
