from pathlib import Path

import certifi
import cryptography_vectors
import pytest
from cryptography import x509

from detector.chain import der
from detector.chain.certificate import Certificate, split_pem
from detector.chain.names import holds_name
from detector.errors import CertificateError
from detector.lab.pki import LabPki
from tests.chain.resigning import extensions_changed, joined, resigned

VECTORS = Path(cryptography_vectors.__file__).parent / "x509"


def test_a_lab_leaf_is_read_field_by_field(pki: LabPki) -> None:
    credential = pki.issue("a.example", "*.b.example", "192.0.2.7")
    leaf = Certificate(credential.der)
    assert leaf.dns_names == ("a.example", "*.b.example")
    assert leaf.ip_addresses == ("192.0.2.7",)
    assert leaf.subject_text == "CN=a.example"
    assert leaf.issuer_text == "CN=Lab Public Intermediate,O=Lab Public Trust,C=US"
    assert leaf.basic_constraints == (False, None)
    assert not leaf.may_sign_certificates
    assert leaf.may_serve_tls
    assert leaf.spki == credential.spki
    assert [name for name, _, _ in leaf.extensions] == [
        "KU", "EKU", "BC", "SKI", "AKI", "AIA", "SAN", "POL", "CRLDP", "SCT",
    ]  # fmt: skip


def test_every_root_of_certifi_reads_as_cryptography_reads_it() -> None:
    ders = split_pem(Path(certifi.where()).read_bytes())
    assert len(ders) > 100
    for data in ders:
        ours, theirs = Certificate(data), x509.load_der_x509_certificate(data)
        assert ours.serial == theirs.serial_number
        assert ours.not_before == theirs.not_valid_before_utc
        assert ours.not_after == theirs.not_valid_after_utc
        assert ours.subject == theirs.subject.public_bytes()
        assert ours.issuer == theirs.issuer.public_bytes()
        assert len(ours.extensions) == len(theirs.extensions)
        constraints = theirs.extensions.get_extension_for_class(x509.BasicConstraints).value
        assert ours.basic_constraints == (constraints.ca, constraints.path_length)


def test_what_is_written_in_a_name_cannot_pass_for_structure() -> None:
    found = Certificate(split_pem((VECTORS / "wildcard_san.pem").read_bytes())[0])
    assert "CN=Trustwave Organization Validation SHA256 CA\\, Level 1" in found.issuer_text


@pytest.mark.parametrize("cut", [0, 1, 3, 40, 200, -1])
def test_a_certificate_cut_anywhere_is_our_own_error(pki: LabPki, cut: int) -> None:
    with pytest.raises(CertificateError):
        Certificate(pki.issue("a.example").der[:cut])


def test_a_version_that_x509_does_not_have_is_our_own_error(pki: LabPki) -> None:
    data = bytearray(pki.issue("a.example").der)
    at = data.index(b"\xa0\x03\x02\x01\x02")
    data[at + 4] = 3
    with pytest.raises(CertificateError, match="not a valid X509 version"):
        _ = Certificate(bytes(data)).x509


def test_a_certificate_over_64_kib_is_not_even_looked_at() -> None:
    with pytest.raises(CertificateError, match="at most 65536"):
        Certificate(b"\x30\x83\x02\x00\x00" + bytes(131072))


def test_pem_blocks_come_in_order_whatever_stands_between(pki: LabPki) -> None:
    one, two = pki.root.pem, pki.intermediate.pem
    text = f"# comment\n{one}\nBag Attributes\n{two}trailing"
    assert split_pem(text.encode()) == [pki.root.der, pki.intermediate.der]


def test_a_pem_block_without_end_and_one_of_no_base64_are_errors() -> None:
    with pytest.raises(CertificateError, match="without an end"):
        split_pem(b"-----BEGIN CERTIFICATE-----\nAAAA")
    bad = b"-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----"
    with pytest.raises(CertificateError, match="not base64"):
        split_pem(bad)


def test_both_labels_of_a_certificate_are_read_in_pem(pki: LabPki) -> None:
    old = pki.root.pem.replace("CERTIFICATE", "X509 CERTIFICATE")
    mixed = f"{old}\n{pki.intermediate.pem}\n{old}"
    assert split_pem(mixed.encode()) == [pki.root.der, pki.intermediate.der, pki.root.der]
    with pytest.raises(CertificateError, match="without an end"):
        split_pem(old.replace("END X509", "END").encode())
    assert split_pem(pki.root.pem.replace("CERTIFICATE", "TRUSTED CERTIFICATE").encode()) == []


def alternative(pki: LabPki, *names: bytes) -> Certificate:
    value = joined(0x30, list(names))
    one = joined(0x30, [bytes.fromhex("0603551d11"), der.encode(der.OCTET_STRING, value)])
    change = extensions_changed(lambda _: [one])
    return Certificate(resigned(pki.issue("a.example").der, pki.intermediate, change))


def test_letters_that_no_name_may_have_are_shown_as_octets(pki: LabPki) -> None:
    leaf = alternative(pki, b"\x82\x06B\xfccher", b"\x82\x07b\xc3\xbccher")
    assert leaf.dns_names == (r"b\xfccher", r"b\xc3\xbccher")
    assert not holds_name(leaf, "b\u00fccher")


def test_an_address_with_a_mask_and_one_of_odd_length_are_shown_and_match_nothing(
    pki: LabPki,
) -> None:
    leaf = alternative(pki, b"\x87\x08\xc0\x00\x02\x07\xff\xff\xff\x00", b"\x87\x03abc")
    assert leaf.ip_addresses == ("192.0.2.7/255.255.255.0", "#616263")
    assert not holds_name(leaf, "192.0.2.7")


def test_an_extension_that_is_there_twice_cannot_be_asked_but_others_can(pki: LabPki) -> None:
    def twice(listed: list[bytes]) -> list[bytes]:
        return [*listed, next(one for one in listed if b"\x55\x1d\x25" in one)]

    data = resigned(pki.issue("a.example").der, pki.intermediate, extensions_changed(twice))
    leaf = Certificate(data)
    assert leaf.dns_names == ("a.example",)
    with pytest.raises(CertificateError, match="EKU is there twice"):
        _ = leaf.usages


def test_critical_extensions_that_programs_do_not_heed_are_named(pki: LabPki) -> None:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    leaf = pki.issue("a.example", extra=((unknown, True), (x509.PrecertPoison(), True)))
    assert Certificate(leaf.der).unheeded == ("1.3.6.1.4.1.99999.1", "POISON")
    assert Certificate(pki.issue("a.example", extra=((unknown, False),)).der).unheeded == ()


def test_every_root_of_certifi_says_nothing_that_programs_do_not_heed() -> None:
    for data in split_pem(Path(certifi.where()).read_bytes()):
        assert Certificate(data).unheeded == ()


def test_what_is_signed_and_the_signature_are_as_cryptography_has_them(pki: LabPki) -> None:
    for data in (pki.root.der, *pki.issue("a.example").chain):
        ours, theirs = Certificate(data), x509.load_der_x509_certificate(data)
        assert ours.tbs == theirs.tbs_certificate_bytes
        assert ours.signature == theirs.signature


def test_signatures_that_are_no_whole_octets_or_not_there_are_our_own_error(pki: LabPki) -> None:
    data = pki.issue("a.example").der
    size = len(Certificate(data).signature)
    bent = bytearray(data)
    bent[-size - 1] = 3
    with pytest.raises(CertificateError, match="odd bits"):
        _ = Certificate(bytes(bent)).signature
    tbs_alone = Certificate(joined(0x30, [Certificate(data).tbs]))
    with pytest.raises(CertificateError):
        _ = tbs_alone.signature


def test_what_is_appended_is_signed_by_nobody_and_makes_it_no_certificate(pki: LabPki) -> None:
    data = pki.issue("a.com").der
    with pytest.raises(CertificateError, match="3 bytes after the certificate"):
        Certificate(data + b"abc")
    longer = b"\x30\x82" + (len(data) - 4 + 2).to_bytes(2, "big") + data[4:] + b"\x05\x00"
    with pytest.raises(CertificateError, match="2 bytes after the signature"):
        _ = Certificate(longer).signature
