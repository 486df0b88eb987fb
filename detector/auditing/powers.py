"""What a certificate in a trust store could do."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

from detector.chain.certificate import Certificate
from detector.chain.signature import public_key
from detector.errors import CertificateError


def powers(certificate: Certificate) -> str:
    """In a few words, for a person."""
    try:
        constraints = certificate.basic_constraints
        if constraints is not None and not constraints[0]:
            return "vouch for itself only"
        if not certificate.may_sign_certificates:
            return "sign no certificates"
        if not certificate.may_serve_tls:
            return "vouch for mail, code or users, but no web site"
        if certificate.extension("NC") is not None:
            return "vouch for the names it is constrained to"
    except CertificateError:
        return "do what its broken extensions let it"
    return "vouch for any site"


def can_intercept(certificate: Certificate) -> bool:
    """Whether a leaf under it would be believed for some site that is not its own."""
    return powers(certificate).startswith(("vouch for any", "vouch for the names", "do what"))


def key_strength(certificate: Certificate) -> tuple[str, bool]:
    """The kind and size, e.g. "RSA 2048", and whether that is enough (NIST SP 800-57: 112 bits of security)."""
    key = public_key(certificate.spki)
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}", key.key_size >= 2048
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}", key.key_size >= 224
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        return type(key).__name__.strip("_").removesuffix("PublicKey"), True
    if isinstance(key, dsa.DSAPublicKey):
        return f"DSA {key.key_size}", False
    return "a key of an unknown kind", True
