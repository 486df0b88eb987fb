"""A certificate of one's own for the servers that grade: a public one, where an interceptor can be given no root."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from detector.bounded import read_whole
from detector.chain.certificate import read_certificate
from detector.chain.names import holds_name
from detector.errors import CertificateError, ConfigError
from detector.lab.pki import Credential

_MAX = 1 << 20


def shown_certificate(chain: Path, key: Path, name: str) -> Credential:
    """For every name below `name`. Raises ConfigError.

    Args:
        chain: PEM, the leaf first.
        key: PEM, without a password. RSA, because the suites that nobody should speak any more take nothing else.
        name: as for `lab serve --grade`.

    """
    try:
        found = x509.load_pem_x509_certificates(_read(chain))
        leaf = read_certificate(found[0].public_bytes(Encoding.DER))
    except (ValueError, CertificateError) as error:
        raise ConfigError(str(chain), f"holds no certificates: {error}") from None
    try:
        secret = load_pem_private_key(_read(key), None)
    except (ValueError, TypeError):
        remedy = "PEM without a password is wanted"
        raise ConfigError(str(key), "holds no key that can be read", remedy=remedy) from None
    if not isinstance(secret, rsa.RSAPrivateKey):
        remedy = "ask for one with an RSA key, e.g. certbot --key-type rsa"
        raise ConfigError(str(key), "is no RSA key, and old suites need one", remedy=remedy)
    if found[0].public_key() != secret.public_key():
        raise ConfigError(str(key), f"is not the key of {chain}")
    if not holds_name(leaf, f"good.{name}") or not holds_name(leaf, f"server-ssl3.{name}"):
        raise ConfigError(str(chain), f"is not for *.{name}", remedy="a wildcard is wanted")
    return Credential(found[0], secret, tuple(found[1:]))


def _read(path: Path) -> bytes:
    try:
        return read_whole(path, _MAX)
    except OSError as error:
        raise ConfigError(str(path), error.strerror or str(error)) from None
