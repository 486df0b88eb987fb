"""What an echo server is known by: the key of its word, and, where it has no other, a certificate of its own.

Both lie in a folder of the user's and stay the same over restarts: the URL that was handed out has the key in it. The
certificate's CA exists for a moment; its key is thrown away, so that whoever trusts it trusts one leaf.
"""

from __future__ import annotations

import ssl
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detector.bounded import read_regular
from detector.errors import ConfigError
from detector.knowledge.whole_file import write_whole
from detector.lab.pki import Authority

_KEY, _LEAF, _ROOT = "signing.key", "own.pem", "root.pem"
_MOST = 1 << 20
_DAYS = 365
_REMEDY = "give the PEM files of a certificate with its chain, and of its key without a passphrase"


def signing_key(folder: Path) -> Ed25519PrivateKey:
    """The one that is kept there, made where there is none. Raises ConfigError, StoreError."""
    path = folder / _KEY
    try:
        text = read_regular(path, 1024).decode("ascii")
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text))
    except FileNotFoundError:
        key = Ed25519PrivateKey.generate()
        write_whole(path, key.private_bytes_raw().hex().encode() + b"\n", 0o600)
        return key
    except (OSError, ValueError) as error:
        why = f"holds no signing key ({error})"
        remedy = "delete it: the next start makes another, and the URL changes"
        raise ConfigError(str(path), why, remedy=remedy) from None


def own_certificate(folder: Path, name: str, now: datetime) -> Path:
    """PEM of a leaf for the name and all below it, with its key; made anew where it is another's or nearly over.

    Its root lies beside it in root.pem. Raises StoreError.
    """
    path = folder / _LEAF
    if not _serves(path, name, now):
        authority = Authority(
            f"tlsight echo CA for {name}"[:64], organization="tlsight echo", profile=False, now=now
        )
        names = (name,) if _is_address(name) else (name, f"*.{name}")
        leaf = authority.issue(*names, days=_DAYS)
        write_whole(folder / _ROOT, authority.pem.encode())
        write_whole(path, (leaf.key_pem + leaf.chain_pem).encode(), 0o600)
    return path


def loaded(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    """Have the context show it, from now on. Raises ConfigError."""
    for path in (certificate, key):
        if path is not None:
            try:
                read_regular(path, _MOST)
            except OSError as error:
                raise ConfigError(str(path), error.strerror or str(error)) from None
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or str(error)
        raise ConfigError(str(certificate), f"cannot be served: {why}", remedy=_REMEDY) from None


def _serves(path: Path, name: str, now: datetime) -> bool:
    try:
        found = x509.load_pem_x509_certificates(read_regular(path, _MOST))[0]
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    mine = {str(one.value) for one in names}
    return name in mine and now < found.not_valid_after_utc - timedelta(days=30)


def _is_address(name: str) -> bool:
    from ipaddress import ip_address

    try:
        ip_address(name)
    except ValueError:
        return False
    return True
