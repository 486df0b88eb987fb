"""Who signed a certificate: a matter of mathematics, never of names.

cryptography's path verifier refuses RSA under 2,048 bits, CAs without BasicConstraints and SHA-1,
all of which interceptors (and old honest chains) use, so the signature is checked here by itself.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_public_key

from detector.chain.certificate import Certificate
from detector.errors import CertificateError


def is_signed_by(child: Certificate, issuer_spki: bytes) -> bool:
    """Whether `child`'s signature verifies under the key of `issuer_spki` (DER).

    False as well for keys and algorithms that cannot be checked.
    """
    return _verified(child, issuer_spki)


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


@lru_cache(maxsize=2048)
def _verified(certificate: Certificate, issuer_spki: bytes) -> bool:
    key = public_key(issuer_spki)
    try:
        child = certificate.x509
        algorithm = child.signature_hash_algorithm
        signature, signed = child.signature, child.tbs_certificate_bytes
        if isinstance(key, dsa.DSAPublicKey):  # old chains have it, nothing else
            if algorithm is None:
                return False
            key.verify(signature, signed, algorithm)
            return True
        if not isinstance(key, rsa.RSAPublicKey):
            return is_signature(issuer_spki, signature, signed, algorithm)
        parameters = child.signature_algorithm_parameters
        if not isinstance(parameters, padding.PKCS1v15 | padding.PSS):
            return False
        return is_signature(issuer_spki, signature, signed, algorithm, parameters)
    except (InvalidSignature, UnsupportedAlgorithm, CertificateError, ValueError, TypeError):
        return False
