"""Keys of signers that were not sent, computed from the signatures that were.

Theory of operation
-------------------
**ECDSA.** A signature (r, s) over the digest z under the key Q satisfies R = (z/s)G + (r/s)Q, and r is
the x coordinate of R modulo the curve's order n. So Q = (s/r)R - (z/r)G for one of the points R of that
x: two, R and -R; four where r + n is a coordinate too (once in 2^32 on P-256). One certificate gives
these candidates, one of them the signer's key. A key identifier that is the SHA-1 of a candidate
(RFC 5280 section 4.2.1.2) tells which; so does a second certificate: two that one key signed have a
candidate in common, and two that different keys signed have none, but once in 2^256. The products are
OpenSSL's (a key made of the factor, and a key agreement for the x of a product: R and -R give the same
x, and both are wanted); here stands one addition of points.

**RSA** (PKCS #1 v1.5, RFC 8017 section 8.2.2). A signature s over a message that is encoded as m
satisfies s^e - m = kn: the modulus n divides it, and the greatest common divisor of two such numbers is
n times a small cofactor. With e = 65537 the numbers have 2^16 times the bits of n, which is the price.
PSS and EdDSA signatures give nothing.

Whoever forges chooses the numbers, but not what follows from them: the signature holds under every key
that comes from here. Of two leaves that nobody signed with one key none is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import algorithms_guaranteed, new, sha1

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from detector.chain import der
from detector.chain.algorithm import KeyKind, read_scheme
from detector.chain.certificate import Certificate
from detector.errors import CertificateError

MAX_RSA_BITS = 4096
MIN_RSA_BITS = 512
# Nearly every key has the last one; the others cost nothing to try.
EXPONENTS = (3, 5, 17, 257, 65537)

# How a DigestInfo of each hash begins (RFC 8017 section 9.2, note 1).
_DIGEST_INFO = {
    "md5": "3020300c06082a864886f70d020505000410",
    "sha1": "3021300906052b0e03021a05000414",
    "sha224": "302d300d06096086480165030402040500041c",
    "sha256": "3031300d060960864801650304020105000420",
    "sha384": "3041300d060960864801650304020205000430",
    "sha512": "3051300d060960864801650304020305000440",
}
_SMALL_FACTORS = 1 << 17


class _Curve(msgspec.Struct, frozen=True):
    """A curve y^2 = x^3 - 3x + b over the integers modulo `p`, of prime order `n` (SEC 2, FIPS 186-5)."""

    curve: ec.EllipticCurve
    p: int
    n: int


# Those that public CAs and browsers know.
_CURVES = (
    _Curve(
        ec.SECP256R1(),
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    ),
    _Curve(
        ec.SECP384R1(),
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    ),
    _Curve(
        ec.SECP521R1(),
        2**521 - 1,
        2**521 - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7,
    ),
)  # fmt: skip
_Point = tuple[int, int]


def ecdsa_candidates(child: Certificate) -> tuple[bytes, ...]:
    """The keys that may have signed `child` with ECDSA (DER SubjectPublicKeyInfo).

    One is the signer's, if that is on P-256, P-384 or P-521. Empty for other signatures and for what
    cannot be read.
    """
    read = _signed(child, "ec")
    if read is None:
        return ()
    hash_name, signed, signature = read
    try:
        r, s = decode_dss_signature(signature)
    except ValueError:
        return ()
    curve = _curve_of(r, s)
    if curve is None:
        return ()
    digest = new(hash_name, signed, usedforsecurity=False).digest()
    z = int.from_bytes(digest, "big") >> max(0, 8 * len(digest) - curve.n.bit_length())
    found = (key for x in range(r, curve.p, curve.n) for key in _keys(curve, x, r, s, z))
    return tuple(dict.fromkeys(found))


def is_named_key(child: Certificate, spki: bytes) -> bool:
    """Whether `child` names the key as its signer's, by the SHA-1 of it (RFC 5280 section 4.2.1.2)."""
    named = child.authority_key_id
    if named is None:
        return False
    try:
        at, end = der.expect(spki, 0, len(spki), der.SEQUENCE, "subject public key info")
        start, stop = der.children(spki, at, end, 2)[1][1:]
    except (CertificateError, IndexError):
        return False
    return named == sha1(spki[start + 1 : stop], usedforsecurity=False).digest()


class RsaSignature(msgspec.Struct, frozen=True):
    """A signature, the encoded message that it stands for, and the length of both in bytes."""

    signature: int
    encoded: int
    size: int

    @property
    def bits(self) -> int:
        """Of the modulus; it may have a few fewer."""
        return 8 * self.size

    def is_of(self, modulus: int, exponent: int) -> bool:
        return pow(self.signature, exponent, modulus) == self.encoded


def rsa_signature(child: Certificate) -> RsaSignature | None:
    """The RSA signature on `child`, None for others and for sizes that are out of reach."""
    read = _signed(child, "rsa")
    if read is None or read[0] not in _DIGEST_INFO:
        return None
    name, signed, signature = read
    size = len(signature)
    if not MIN_RSA_BITS <= 8 * size <= MAX_RSA_BITS:
        return None
    digest = bytes.fromhex(_DIGEST_INFO[name]) + new(name, signed, usedforsecurity=False).digest()
    room = size - 3 - len(digest)
    if room < 8:
        return None
    encoded = b"\x00\x01" + b"\xff" * room + b"\x00" + digest
    return RsaSignature(
        int.from_bytes(signature, "big"), int.from_bytes(encoded, "big"), len(signature)
    )


def common_key(
    one: RsaSignature, two: RsaSignature, exponents: Sequence[int] = EXPONENTS
) -> bytes | None:
    """The key that made both signatures (DER SubjectPublicKeyInfo), None where there is none.

    Takes many seconds and hundreds of megabytes (bench/recover.py), and cannot be interrupted from
    within. Raises ImportError without gmpy2.
    """
    if one.size != two.size or one == two:
        return None
    for exponent in exponents:
        modulus = _common_modulus(one, two, exponent)
        if modulus is not None and one.is_of(modulus, exponent) and two.is_of(modulus, exponent):
            public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
            return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return None


def _common_modulus(one: RsaSignature, two: RsaSignature, exponent: int) -> int | None:
    import gmpy2

    first, second = (gmpy2.mpz(each.signature) ** exponent - each.encoded for each in (one, two))
    common = gmpy2.gcd(first, second)
    del first, second
    if not 0 < common.bit_length() <= one.bits + 256:
        return None
    for factor in range(2, _SMALL_FACTORS):
        while common > factor and common % factor == 0:
            common //= factor
    # A modulus has the length of its signatures, less than a byte apart.
    return int(common) if one.bits - 8 < common.bit_length() <= one.bits else None


def _signed(child: Certificate, signer: KeyKind) -> tuple[str, bytes, bytes] | None:
    """Hash (as hashlib names it), what was signed, and the signature; None where another kind of key signed, with
    PSS, or where that cannot be read.
    """
    try:
        scheme = read_scheme(child.signature_algorithm)
        if scheme.signer != signer or scheme.digest is None or scheme.mask is not None:
            return None
        name = scheme.digest.replace("-", "_")
        return (name, child.tbs, child.signature) if name in algorithms_guaranteed else None
    except CertificateError:
        return None


def _curve_of(r: int, s: int) -> _Curve | None:
    """The curve of a signature: of its two numbers, random below the order, both are hardly ever much shorter."""
    size = max(r, s).bit_length()
    fits = (c for c in _CURVES if c.n.bit_length() - 64 < size and 0 < r < c.n and 0 < s < c.n)
    return next(fits, None)


def _keys(curve: _Curve, x: int, r: int, s: int, z: int) -> list[bytes]:
    """(s/r)R - (z/r)G for both points R of that x; none where the curve has no such point."""
    by_r = pow(r, -1, curve.n)
    try:
        point = _compressed(curve, x.to_bytes((curve.p.bit_length() + 7) // 8, "big"))
        factor = ec.derive_private_key(s * by_r % curve.n, curve.curve)
        product = _compressed(curve, factor.exchange(ec.ECDH(), point)).public_numbers()
    except ValueError:
        return []
    term = -z * by_r % curve.n
    base = ec.derive_private_key(term, curve.curve).public_key().public_numbers() if term else None
    found: list[bytes] = []
    for y in (product.y, curve.p - product.y):
        total = (product.x, y) if base is None else _sum(curve.p, (product.x, y), (base.x, base.y))
        if total is not None:
            key = ec.EllipticCurvePublicNumbers(*total, curve.curve).public_key()
            found.append(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return found


def _compressed(curve: _Curve, x: bytes) -> ec.EllipticCurvePublicKey:
    """The point of that x with an even y. Raises ValueError where the curve has none."""
    return ec.EllipticCurvePublicKey.from_encoded_point(curve.curve, b"\x02" + x)


def _sum(p: int, one: _Point, two: _Point) -> _Point | None:
    """Of two points; None for the one at infinity."""
    (x1, y1), (x2, y2) = one, two
    if x1 != x2:
        slope = (y2 - y1) * pow(x2 - x1, -1, p) % p
    elif y1 == y2:
        slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, p) % p
    else:
        return None
    x = (slope * slope - x1 - x2) % p
    return x, (slope * (x1 - x) - y1) % p
