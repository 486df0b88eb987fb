"""Who signed a certificate: a matter of mathematics, never of names.

cryptography's path verifier refuses RSA under 2,048 bits, CAs without BasicConstraints and SHA-1,
all of which interceptors (and old honest chains) use, so the signature is checked here by itself.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from detector.chain.certificate import Certificate
from detector.errors import CertificateError

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
    key, kind = public_key(spki), _kind_of_signer(child)
    if key is None or kind is None:
        return True
    if not isinstance(key, kind):
        return False
    signature = child.x509.signature
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


@lru_cache(maxsize=256)
def public_key(spki: bytes) -> PublicKeyTypes | None:
    """The key of a SubjectPublicKeyInfo, None where it cannot be read."""
    try:
        return load_der_public_key(spki)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def is_digitally_signed(
    spki: bytes, algorithms: tuple[int, int], signature: bytes, signed: bytes
) -> bool:
    """Whether a CT log's key made this signature (RFC 5246 section 4.7, RFC 6962 section 2.1.4).

    `algorithms` are the hash's and the signature's numbers; only SHA-256 with ECDSA or RSA is known.
    """
    key = public_key(spki)
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and algorithms == (4, 3):
            key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
        elif isinstance(key, rsa.RSAPublicKey) and algorithms == (4, 1):
            key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def signature_hash(certificate: Certificate) -> str | None:
    """Hash under a certificate's signature, e.g. "sha256"; None for EdDSA and what cannot be read."""
    try:
        algorithm = certificate.x509.signature_hash_algorithm
    except (CertificateError, UnsupportedAlgorithm):
        return None
    return algorithm.name if algorithm is not None else None


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


# Who makes signatures of an algorithm (RFC 3279, RFC 4055, RFC 5758, RFC 8410): its identifier, or
# how it begins. Of any other nothing is known here.
_SIGNERS: tuple[tuple[str, type], ...] = (
    ("1.2.840.113549.1.1.", rsa.RSAPublicKey),
    ("1.2.840.10045.4.", ec.EllipticCurvePublicKey),
    ("1.2.840.10040.4.", dsa.DSAPublicKey),
    ("2.16.840.1.101.3.4.3.2", dsa.DSAPublicKey),
    ("1.3.101.112", ed25519.Ed25519PublicKey),
    ("1.3.101.113", ed448.Ed448PublicKey),
)


def _kind_of_signer(child: Certificate) -> type | None:
    """The kind of key that makes such a signature, None where that is not known."""
    try:
        oid = child.x509.signature_algorithm_oid.dotted_string
    except (CertificateError, ValueError):
        return None
    found = (k for o, k in _SIGNERS if oid == o or (o.endswith(".") and oid.startswith(o)))
    return next(found, None)


@lru_cache(maxsize=2048)
def _checked(certificate: Certificate, issuer_spki: bytes) -> Answer:
    key = public_key(issuer_spki)
    if key is None:
        return "unknown"
    try:
        child = certificate.x509
        algorithm = child.signature_hash_algorithm
        signature, signed = child.signature, child.tbs_certificate_bytes
        if isinstance(key, rsa.RSAPublicKey):
            parameters = child.signature_algorithm_parameters
            if algorithm is None or not isinstance(parameters, padding.PKCS1v15 | padding.PSS):
                return _of_another_kind(certificate, key)
            key.verify(signature, signed, parameters, algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(signature, signed, ec.ECDSA(algorithm))
        elif isinstance(key, dsa.DSAPublicKey) and algorithm is not None:  # old chains have it
            key.verify(signature, signed, algorithm)
        elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            key.verify(signature, signed)
        else:
            return _of_another_kind(certificate, key)
    except InvalidSignature:
        return "refuted"
    except (UnsupportedAlgorithm, CertificateError, ValueError, TypeError):
        return "unknown"
    return "holds"


def _of_another_kind(certificate: Certificate, key: PublicKeyTypes) -> Answer:
    """A key of one kind never made a signature of another; of an unknown one nothing can be said."""
    kind = _kind_of_signer(certificate)
    return "refuted" if kind is not None and not isinstance(key, kind) else "unknown"
