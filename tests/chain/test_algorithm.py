"""What is said of a signature's algorithm, known or not."""

import pytest

from detector.chain import der
from detector.chain.algorithm import read_scheme, words
from detector.errors import CertificateError

NULL = b"\x05\x00"


def oid(text: str) -> bytes:
    first, second, *rest = map(int, text.split("."))
    out = bytearray([40 * first + second])
    for arc in rest:
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        out += bytes(reversed(groups))
    return der.encode(der.OID, bytes(out))


def identifier(text: str, parameters: bytes = b"") -> bytes:
    return der.encode(0x30, oid(text) + parameters)


def tagged(number: int, body: bytes) -> bytes:
    return der.encode(0xA0 + number, body)


SHA256 = identifier("2.16.840.1.101.3.4.2.1")
MGF1 = identifier("1.2.840.113549.1.1.8", SHA256)


@pytest.mark.parametrize(
    ("text", "signer", "digest"),
    [
        ("1.2.840.113549.1.1.11", "rsa", "sha256"),
        ("1.3.14.3.2.29", "rsa", "sha1"),
        ("1.2.840.10045.4.3.3", "ec", "sha384"),
        ("2.16.840.1.101.3.4.3.2", "dsa", "sha256"),
        ("2.16.840.1.101.3.4.3.10", "ec", "sha3-256"),
        ("1.3.101.112", "ed25519", None),
        ("2.16.840.1.101.3.4.3.18", "ml-dsa-65", None),
    ],
)
def test_known_algorithms_have_a_signer_and_a_digest(
    text: str, signer: str, digest: str | None
) -> None:
    found = read_scheme(identifier(text))
    assert (found.signer, found.digest) == (signer, digest)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2.16.840.1.101.3.4.3.20", "SLH-DSA"),
        ("2.16.840.1.101.3.4.3.31", "SLH-DSA"),
        ("1.3.6.1.5.5.7.6.45", "composite"),
        ("2.16.840.1.114027.80.9.1.3", "composite"),
        ("1.3.6.1.4.1.44363.47.0", "Merkle Tree Certificate"),
        ("1.2.3.4", "1.2.3.4"),
    ],
)
def test_what_nobody_here_can_check_has_a_name_and_no_signer(text: str, said: str) -> None:
    found = read_scheme(identifier(text))
    assert found.signer is None
    assert said in found.name
    assert words(identifier(text)) == found.name


def test_wrong_parameters_change_nothing_where_none_are_needed() -> None:
    for odd in (b"", NULL, b"\x04\x02ab", b"\x30\x00"):
        assert read_scheme(identifier("1.2.840.113549.1.1.11", odd)).digest == "sha256"
        assert read_scheme(identifier("1.2.840.10045.4.3.2", odd)).digest == "sha256"


def test_pss_takes_digest_mask_and_salt_from_its_parameters() -> None:
    body = tagged(0, SHA256) + tagged(1, MGF1) + tagged(2, b"\x02\x01\x20")
    found = read_scheme(identifier("1.2.840.113549.1.1.10", der.encode(0x30, body)))
    assert (found.signer, found.digest, found.mask, found.salt) == ("rsa", "sha256", "sha256", 32)


@pytest.mark.parametrize("parameters", [b"", b"\x30\x00"])
def test_pss_without_parameters_is_that_of_sha1(parameters: bytes) -> None:
    found = read_scheme(identifier("1.2.840.113549.1.1.10", parameters))
    assert (found.digest, found.mask, found.salt) == ("sha1", "sha1", 20)


@pytest.mark.parametrize(
    "body",
    [
        tagged(0, identifier("1.2.3.4")),
        tagged(1, identifier("1.2.3.4", SHA256)),
        tagged(2, b"\x02\x02\x7f\xff"),
        tagged(3, b"\x02\x01\x02"),
    ],
    ids=["digest", "mask", "salt", "trailer"],
)
def test_pss_with_what_nobody_has_cannot_be_checked(body: bytes) -> None:
    found = read_scheme(identifier("1.2.840.113549.1.1.10", der.encode(0x30, body)))
    assert (found.signer, found.name) == (None, "RSASSA-PSS")


def test_what_is_no_algorithm_is_our_own_error() -> None:
    for junk in (b"", b"\x30", b"\x30\x02\x06\x00", b"\x31\x00"):
        with pytest.raises(CertificateError):
            read_scheme(junk)
        assert words(junk) == "something that cannot be read"
