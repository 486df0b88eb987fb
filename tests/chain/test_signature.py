from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from detector.chain.certificate import Certificate
from detector.chain.signature import check_signature, fits_key, is_signed_by, public_key


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
    assert check_signature(certificate, spki) == "holds"
    assert check_signature(certificate, stranger) == "refuted"
    assert fits_key(certificate, spki)


def test_a_flipped_bit_breaks_the_signature() -> None:
    certificate, spki = self_made(rsa.generate_private_key(65537, 2048))
    bent = bytearray(certificate.der)
    bent[-1] ^= 1
    assert not is_signed_by(Certificate(bytes(bent)), spki)


def test_a_key_that_cannot_be_read_verifies_nothing() -> None:
    certificate, _ = self_made(rsa.generate_private_key(65537, 2048))
    assert public_key(b"\x30\x00") is None
    assert not is_signed_by(certificate, b"\x30\x00")
    assert check_signature(certificate, b"\x30\x00") == "unknown"


def test_an_algorithm_that_is_unknown_here_is_neither_held_nor_refuted() -> None:
    """ecdsa-with-SHA256 written as an identifier that nobody has."""
    certificate, spki = self_made(ec.generate_private_key(ec.SECP256R1()))
    known, unknown = bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a8648ce3d7f7f7f")
    strange = Certificate(certificate.der.replace(known, unknown))
    assert check_signature(certificate, spki) == "holds"
    assert check_signature(strange, spki) == "unknown"
    assert fits_key(strange, spki)


def test_a_certificate_that_cannot_be_parsed_refutes_nothing() -> None:
    certificate, spki = self_made(ec.generate_private_key(ec.SECP256R1()))
    odd = Certificate(certificate.der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x04"))
    assert check_signature(odd, spki) == "unknown"


def spki_of(key) -> bytes:  # type: ignore[no-untyped-def]
    data: bytes = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return data


def test_a_signature_of_another_kind_or_size_is_another_keys_a_damaged_one_may_be_its_own() -> None:
    p256, p384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
    small, large = rsa.generate_private_key(65537, 1024), rsa.generate_private_key(65537, 2048)
    keys = [p256, p384, small, large, ed25519.Ed25519PrivateKey.generate()]
    for signer in keys:
        edwards = isinstance(signer, ed25519.Ed25519PrivateKey)
        certificate, _ = self_made(signer, algorithm=None if edwards else hashes.SHA256())
        bent = bytearray(certificate.der)
        bent[-1] ^= 1
        fitting = [key for key in keys if fits_key(Certificate(bytes(bent)), spki_of(key))]
        assert fitting == [signer]
    for twin in (ec.generate_private_key(ec.SECP256R1()), p256):
        assert fits_key(self_made(p256)[0], spki_of(twin))
