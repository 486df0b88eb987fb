from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from detector.chain.certificate import Certificate
from detector.chain.signature import is_signed_by, public_key


def self_made(key, **how) -> tuple[Certificate, bytes]:  # type: ignore[no-untyped-def]
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1234, now, now + timedelta(1))
    algorithm = how.pop("algorithm", hashes.SHA256())
    made = builder.sign(key, algorithm, **how)
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Certificate(made.public_bytes(Encoding.DER)), spki


@pytest.mark.parametrize(
    ("key", "how"),
    [
        (rsa.generate_private_key(65537, 2048), {}),
        (rsa.generate_private_key(65537, 1024), {}),
        (
            rsa.generate_private_key(65537, 2048),
            {"rsa_padding": padding.PSS(padding.MGF1(hashes.SHA256()), 32)},
        ),
        (ec.generate_private_key(ec.SECP256R1()), {}),
        (ec.generate_private_key(ec.SECP521R1()), {"algorithm": hashes.SHA512()}),
        (ed25519.Ed25519PrivateKey.generate(), {"algorithm": None}),
        (ed448.Ed448PrivateKey.generate(), {"algorithm": None}),
    ],
    ids=["rsa2048", "rsa1024", "pss", "p256", "p521", "ed25519", "ed448"],
)
def test_a_signature_verifies_under_its_own_key_and_no_other(key: object, how: dict) -> None:  # type: ignore[type-arg]
    certificate, spki = self_made(key, **how)
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    stranger = other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert is_signed_by(certificate, spki)
    assert not is_signed_by(certificate, stranger)


def test_a_flipped_bit_breaks_the_signature() -> None:
    certificate, spki = self_made(rsa.generate_private_key(65537, 2048))
    bent = bytearray(certificate.der)
    bent[-1] ^= 1
    assert not is_signed_by(Certificate(bytes(bent)), spki)


def test_a_key_that_cannot_be_read_verifies_nothing() -> None:
    certificate, _ = self_made(rsa.generate_private_key(65537, 2048))
    assert public_key(b"\x30\x00") is None
    assert not is_signed_by(certificate, b"\x30\x00")
