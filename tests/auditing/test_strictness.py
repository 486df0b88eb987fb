"""What Python refuses since 3.13, held against OpenSSL's own X509_STRICT."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from detector.auditing.strictness import refused_by_strict
from detector.chain.certificate import Certificate

NOW = datetime.now(UTC)
SIGNS = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
NO_SIGNING = x509.KeyUsage(True, False, False, False, False, False, False, False, False)


def made(
    *,
    critical: bool = True,
    usage: x509.KeyUsage | None = SIGNS,
    own_key: bool = True,
    issuer_key: bool = True,
) -> tuple[x509.Certificate, x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A CA, a leaf of it, and the leaf's key."""
    key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA")])

    def builder(name: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return x509.CertificateBuilder(
            subject,
            name,
            public,
            x509.random_serial_number(),
            NOW - timedelta(1),
            NOW + timedelta(90),
        )

    ca = builder(subject, key.public_key()).add_extension(
        x509.BasicConstraints(True, None), critical
    )
    if usage is not None:
        ca = ca.add_extension(usage, True)
    if own_key:
        ca = ca.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    leaf = builder(x509.Name([]), leaf_key.public_key()).add_extension(
        x509.SubjectAlternativeName([x509.DNSName("a.test")]), True
    )
    if issuer_key:
        leaf = leaf.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False
        )
    return ca.sign(key, hashes.SHA256()), leaf.sign(key, hashes.SHA256()), leaf_key


def handshake(
    ca: x509.Certificate,
    leaf: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    folder: Path,
    *,
    strict: bool,
) -> bool:
    """In memory, as a strict client and as one that is not."""
    file = folder / "leaf.pem"
    file.touch(0o600)
    file.write_bytes(
        leaf.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(file)
    client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_side.load_verify_locations(cadata=ca.public_bytes(Encoding.PEM).decode())
    if strict:
        client_side.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(to_client, to_server, server_hostname="a.test")
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(6):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return True


@pytest.mark.parametrize(
    ("lacks", "says"),
    [
        ({}, ""),
        ({"critical": False}, "does not mark its basic constraints as critical"),
        ({"usage": None}, "has no key usage"),
        ({"usage": NO_SIGNING}, "has a key usage without certificate signing"),
        ({"own_key": False}, "has no subject key identifier"),
        ({"issuer_key": False}, "has no authority key identifier"),
    ],
)
def test_what_is_told_is_what_openssl_refuses(
    tmp_path: Path, lacks: dict[str, object], says: str
) -> None:
    ca, leaf, key = made(**lacks)  # type: ignore[arg-type]
    found = refused_by_strict(
        Certificate(ca.public_bytes(Encoding.DER)), [Certificate(leaf.public_bytes(Encoding.DER))]
    )
    assert ("; ".join(found)).endswith(says)
    assert bool(found) == bool(says)
    assert handshake(ca, leaf, key, tmp_path, strict=True) == (not says)
    if lacks.get("usage") is not NO_SIGNING:  # that one nobody takes
        assert handshake(ca, leaf, key, tmp_path, strict=False)


def test_nothing_is_said_of_nothing() -> None:
    assert refused_by_strict(None) == ()
