from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from detector.chain.certificate import Certificate, split_pem
from detector.chain.signature import (
    check_digital_signature,
    check_signature,
    fits_key,
    is_signed_by,
    public_key,
    signature_hash,
    why_unchecked,
)
from detector.lab.pki import Authority
from tests.chain.resigning import extensions_changed, joined, name, resigned, spelt_out

CASES = Path(__file__).parents[1] / "data" / "verdict_cases"


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


def no_version(fields: list[bytes]) -> list[bytes]:
    return [b"\xa0\x03\x02\x01\x04", *fields[1:]]


def negative_serial(fields: list[bytes]) -> list[bytes]:
    return [fields[0], b"\x02\x08\xff" + bytes(7), *fields[2:]]


def odd_letters(fields: list[bytes]) -> list[bytes]:
    """A PrintableString with letters that it may not have (X.680 section 41.4)."""
    odd = name(("O", 0x13, "A&B Stores"), ("CN", 0x13, "a.example"))
    return [*fields[:5], odd, *fields[6:]]


def no_year(fields: list[bytes]) -> list[bytes]:
    times = [b"\x18\x0f00000101000000Z", b"\x18\x0f20560101000000Z"]
    return [*fields[:4], joined(0x30, times), *fields[5:]]


ODDITIES = (extensions_changed(spelt_out), no_version, negative_serial, odd_letters, no_year)


@pytest.mark.parametrize("key", [None, rsa.generate_private_key(65537, 2048)], ids=["ec", "rsa"])
@pytest.mark.parametrize("change", ODDITIES, ids=lambda f: f.__name__)
def test_the_octets_that_were_sent_are_checked_whatever_a_strict_parser_says(
    change: Callable[[list[bytes]], list[bytes]], key: rsa.RSAPrivateKey | None
) -> None:
    authority, stranger = Authority("Odd CA", key=key), Authority("Odd CA")
    odd = resigned(authority.issue("a.example").der, authority, change)
    assert check_signature(Certificate(odd), authority.spki) == "holds"
    assert check_signature(Certificate(odd), stranger.spki) == "refuted"
    bent = odd.replace(b"a.example", b"b.example")
    assert check_signature(Certificate(bent), authority.spki) == "refuted"


def test_wrong_parameters_of_an_algorithm_change_no_signature() -> None:
    authority = Authority("Odd CA", key=rsa.generate_private_key(65537, 2048))
    odd = bytes.fromhex("300f06092a864886f70d01010b04026162")
    data = resigned(
        authority.issue("a.example").der, authority, lambda f: [*f[:2], odd, *f[3:]], odd
    )
    assert check_signature(Certificate(data), authority.spki) == "holds"
    assert signature_hash(Certificate(data)) == "sha256"


def test_an_algorithm_that_is_not_the_one_that_was_signed_is_no_signature() -> None:
    """RFC 5280 section 4.1.1.2."""
    authority = Authority("Odd CA")
    other = bytes.fromhex("300a06082a8648ce3d040303")
    data = resigned(authority.issue("a.example").der, authority, lambda f: f, other)
    assert check_signature(Certificate(data), authority.spki) == "unknown"
    assert "another algorithm is signed" in why_unchecked(Certificate(data))


@pytest.mark.parametrize(
    ("identifier", "said"),
    [
        ("0609608648016503040314", "SLH-DSA"),
        ("06082b0601050507062d", "composite"),
        ("060a2b0601040182da4b2f00", "Merkle Tree Certificate"),
        ("06032a0304", "1.2.3.4"),
    ],
)
def test_what_nobody_here_can_check_is_said_in_words(identifier: str, said: str) -> None:
    authority = Authority("Later CA")
    odd = joined(0x30, [bytes.fromhex(identifier)])
    data = resigned(
        authority.issue("a.example").der, authority, lambda f: [*f[:2], odd, *f[3:]], odd
    )
    assert check_signature(Certificate(data), authority.spki) == "unknown"
    assert said in why_unchecked(Certificate(data))
    assert fits_key(Certificate(data), authority.spki)
    assert why_unchecked(Certificate(authority.issue("a.example").der)) == ""


def test_a_key_that_cannot_be_read_is_said_too() -> None:
    leaf = Certificate(Authority("CA").issue("a.example").der)
    assert "key cannot be read" in why_unchecked(leaf, b"\x30\x00")


def test_ml_dsa_is_told_by_its_identifier_whether_or_not_it_can_be_checked() -> None:
    """A key of another kind did not make it; but under its name the CA may have a second key."""
    authority = Authority("Later CA")
    odd = joined(0x30, [bytes.fromhex("0609608648016503040312")])
    data = resigned(
        authority.issue("a.example").der, authority, lambda f: [*f[:2], odd, *f[3:]], odd
    )
    assert check_signature(Certificate(data), authority.spki) == "refuted"
    assert fits_key(Certificate(data), authority.spki)


def test_a_log_signs_with_nothing_but_sha256() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    signature = key.sign(b"x", ec.ECDSA(hashes.SHA256()))
    assert check_digital_signature(spki_of(key), (4, 3), signature, b"x") == "holds"
    assert check_digital_signature(spki_of(key), (4, 3), signature, b"y") == "refuted"
    assert check_digital_signature(spki_of(key), (6, 3), signature, b"x") == "refuted"
    assert check_digital_signature(b"\x30\x00", (4, 3), signature, b"x") == "unknown"


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


def test_ml_dsa_is_verified_or_not_told_as_the_installed_cryptography_can() -> None:
    (leaf, *_), (root,) = (
        [Certificate(data) for data in split_pem((CASES / f"{name}.pem").read_bytes())]
        for name in ("ml_dsa", "ml_dsa_root")
    )
    can = public_key(root.spki) is not None
    bent = bytearray(leaf.der)
    bent[-1] ^= 1
    assert check_signature(leaf, root.spki) == ("holds" if can else "unknown")
    assert check_signature(Certificate(bytes(bent)), root.spki) == ("refuted" if can else "unknown")
    assert ("cannot check" in why_unchecked(leaf)) is not can
