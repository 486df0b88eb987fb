"""An RSA key that nobody should make any more, and that cryptography does not make."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import rsa

from detector.extras import demand


def key_of_512_bits() -> rsa.RSAPrivateKey:
    """Raises ConfigError where the library is missing that makes it."""
    demand("rsa-512", "tlslite", "grade")
    from tlslite.utils.keyfactory import generateRSAKey

    made = generateRSAKey(512, ["python"])
    p, q, d, e, n = (int(getattr(made, name)) for name in ("p", "q", "d", "e", "n"))
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(e, n)
    )
    return numbers.private_key()
