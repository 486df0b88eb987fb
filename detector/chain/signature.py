"""Who signed a certificate: a matter of mathematics, never of names.

Rules
-----
1. There are three answers: it holds, it is refuted, nobody here can tell. Only the first makes a path,
   only the second accuses.
2. What is checked are the very octets that were sent: the TBSCertificate, the algorithm and the
   signature as our own walk finds them. A strict parser in front would refuse real certificates (an
   explicit FALSE, wrong parameters, odd letters) whose signatures hold.
3. A key of one kind never made a signature of another. Of an algorithm that is not known here, of a
   key that cannot be read, and of a kind that this build of cryptography lacks (ML-DSA before 48)
   nothing is said.

cryptography's path verifier refuses RSA under 2,048 bits, CAs without BasicConstraints and SHA-1,
all of which interceptors (and old honest chains) use, so only the bare signature is asked of it.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from detector.chain.algorithm import KeyKind, Scheme, read_scheme, words
from detector.chain.certificate import Certificate
from detector.errors import CertificateError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

Answer = Literal["holds", "refuted", "unknown"]


def is_signed_by(child: Certificate, issuer_spki: bytes) -> bool:
    """Whether `child`'s signature verifies under the key of `issuer_spki` (DER).

    False as well for keys and algorithms that cannot be checked; what accuses must ask
    `check_signature`.
    """
    return check_signature(child, issuer_spki) == "holds"


def check_signature(child: Certificate, issuer_spki: bytes) -> Answer:
    """What is known of `child`'s signature under the key of `issuer_spki` (DER).

    "unknown" where the certificate or the key cannot be read, or the algorithm cannot be checked
    here: that the signature is another's has then not been shown.
    """
    return _checked(child, issuer_spki)


def fits_key(child: Certificate, spki: bytes) -> bool:
    """Whether `child`'s signature is of the kind and size that the key of `spki` makes.

    A damaged signature fits its key still; one of another kind or size is another key's. True where
    that cannot be told.
    """
    key, scheme = public_key(spki), _scheme(child)
    if key is None or scheme is None or scheme.signer is None:
        return True
    if _kind(key) != scheme.signer:
        # Under an old name a CA may have a key of the kind to come before anybody here knows of it.
        return scheme.signer.startswith("ml-dsa")
    signature = child.signature
    if isinstance(key, rsa.RSAPublicKey):
        return len(signature) == (key.key_size + 7) // 8
    if isinstance(key, ec.EllipticCurvePublicKey):
        try:
            size = max(number.bit_length() for number in decode_dss_signature(signature))
        except ValueError:
            return True
        # Both numbers are random below the curve's order: a shorter curve's are shorter by far.
        return key.curve.key_size - 64 < size <= key.curve.key_size
    return True


def why_unchecked(child: Certificate, issuer_spki: bytes | None = None) -> str:
    """Why nobody here can tell whether a signature holds, as half a sentence; empty where one can.

    Without an issuer's key it is said of what no key would help with.
    """
    try:
        scheme = read_scheme(child.signature_algorithm)
        _ = child.signature
    except CertificateError as error:
        return f"its signature cannot be read ({error.message})"
    if scheme.signer is None or (scheme.signer == "rsa" and scheme.digest in ("md2", "md4")):
        return f"its signature is {words(child.signature_algorithm)}, which cannot be checked here"
    if scheme.signer.startswith("ml-dsa") and not _has_ml_dsa():
        return f"its signature is {scheme.name}, which the installed version of cryptography cannot check"
    if issuer_spki is not None and public_key(issuer_spki) is None:
        return "its issuer's key cannot be read here"
    return ""


@lru_cache(maxsize=256)
def public_key(spki: bytes) -> PublicKeyTypes | None:
    """The key of a SubjectPublicKeyInfo, None where it cannot be read."""
    try:
        return load_der_public_key(spki)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def check_digital_signature(
    spki: bytes, algorithms: tuple[int, int], signature: bytes, signed: bytes
) -> Answer:
    """What is known of a CT log's signature (RFC 5246 section 4.7, RFC 6962 section 2.1.4).

    `algorithms` are the hash's and the signature's numbers: logs sign with ECDSA or RSA over SHA-256,
    and with nothing else.
    """
    key, scheme = public_key(spki), _OF_LOGS.get(algorithms)
    if key is None:
        return "unknown"
    return "refuted" if scheme is None else _verified(key, scheme, signature, signed)


def is_digitally_signed(
    spki: bytes, algorithms: tuple[int, int], signature: bytes, signed: bytes
) -> bool:
    """Whether a CT log's key is known to have made this signature."""
    return check_digital_signature(spki, algorithms, signature, signed) == "holds"


def signature_hash(certificate: Certificate) -> str | None:
    """Hash under a certificate's signature, e.g. "sha256"; None for EdDSA and what cannot be read."""
    scheme = _scheme(certificate)
    return scheme.digest if scheme is not None else None


def is_signature(
    spki: bytes,
    signature: bytes,
    signed: bytes,
    algorithm: hashes.HashAlgorithm | None,
    rsa_padding: padding.PKCS1v15 | padding.PSS | None = None,
) -> bool:
    """Whether the key of `spki` (DER) made `signature`: RSA (PKCS #1 v1.5 when nothing else is said),
    ECDSA or EdDSA. False as well for what cannot be checked.
    """
    key = public_key(spki)
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
            key.verify(signature, signed, rsa_padding or padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(signature, signed, ec.ECDSA(algorithm))
        elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            key.verify(signature, signed)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


_OF_LOGS = {
    (4, 1): Scheme("RSA with SHA-256", "rsa", "sha256"),
    (4, 3): Scheme("ECDSA with SHA-256", "ec", "sha256"),
}

_HASHES: dict[str, hashes.HashAlgorithm] = {
    algorithm.name: algorithm
    for algorithm in (
        hashes.MD5(),  # noqa: S303
        hashes.SHA1(),  # noqa: S303
        hashes.SHA224(),
        hashes.SHA256(),
        hashes.SHA384(),
        hashes.SHA512(),
        hashes.SHA512_224(),
        hashes.SHA512_256(),
        hashes.SHA3_224(),
        hashes.SHA3_256(),
        hashes.SHA3_384(),
        hashes.SHA3_512(),
    )
}

# By name, because cryptography reads them since version 48 only.
_ML_DSA: dict[str, KeyKind] = {
    "MLDSA44PublicKey": "ml-dsa-44",
    "MLDSA65PublicKey": "ml-dsa-65",
    "MLDSA87PublicKey": "ml-dsa-87",
}


def _kind(key: PublicKeyTypes) -> KeyKind | None:
    """None for keys that sign nothing, or nothing known here."""
    if isinstance(key, rsa.RSAPublicKey):
        return "rsa"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "ec"
    if isinstance(key, dsa.DSAPublicKey):
        return "dsa"
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "ed25519"
    if isinstance(key, ed448.Ed448PublicKey):
        return "ed448"
    return _ML_DSA.get(type(key).__name__)


def _scheme(certificate: Certificate) -> Scheme | None:
    try:
        return read_scheme(certificate.signature_algorithm)
    except CertificateError:
        return None


@lru_cache(maxsize=2048)
def _checked(certificate: Certificate, issuer_spki: bytes) -> Answer:
    key = public_key(issuer_spki)
    if key is None:
        return "unknown"
    try:
        scheme = read_scheme(certificate.signature_algorithm)
        return _verified(key, scheme, certificate.signature, certificate.tbs)
    except CertificateError:
        return "unknown"


def _verified(key: PublicKeyTypes, scheme: Scheme, signature: bytes, signed: bytes) -> Answer:
    if scheme.signer is None:
        return "unknown"
    if _kind(key) != scheme.signer:
        return "refuted"
    algorithm = _HASHES.get(scheme.digest or "")
    try:
        if scheme.digest is None:
            whole: Any = key  # Ed25519, Ed448 and ML-DSA are asked alike
            whole.verify(signature, signed)
        elif algorithm is None:
            return "unknown"
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, _padding(scheme), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, ec.ECDSA(algorithm))
        elif isinstance(key, dsa.DSAPublicKey):  # old chains have it
            key.verify(signature, signed, algorithm)
    except InvalidSignature:
        return "refuted"
    except (UnsupportedAlgorithm, ValueError, TypeError):
        return "unknown"
    return "holds"


def _padding(scheme: Scheme) -> padding.PKCS1v15 | padding.PSS:
    if scheme.mask is None:
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(_HASHES[scheme.mask]), scheme.salt)


@cache
def _has_ml_dsa() -> bool:
    """Whether this build of cryptography reads an ML-DSA key (RFC 9881): an all-zero one will do."""
    return (
        public_key(bytes.fromhex("30820532300b06096086480165030403110382052100") + bytes(1312))
        is not None
    )
