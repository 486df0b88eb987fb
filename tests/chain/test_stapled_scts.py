"""SCTs in OCSP responses, read as cryptography reads them, and within bounds."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from detector.chain.certificate import Certificate
from detector.chain.sct import check_sent_scts
from detector.chain.stapled_scts import MAX_RESPONSE, stapled_scts
from detector.errors import CertificateError
from detector.lab.ca_service import staple
from detector.lab.pki import Credential, LabPki, sct_extension


@pytest.fixture(scope="module")
def bare(pki: LabPki) -> Credential:
    return pki.issue("a.example", logs=())


@pytest.fixture(scope="module")
def response(pki: LabPki, bare: Credential) -> bytes:
    scts = [log.sign_certificate(bare.der) for log in pki.logs]
    return staple(pki.intermediate, bare, sct_extension(scts))


def test_they_are_those_that_cryptography_finds(response: bytes, bare: Credential) -> None:
    read = ocsp.load_der_ocsp_response(response)
    wanted = read.single_extensions.get_extension_for_class(x509.SignedCertificateTimestamps).value
    found = stapled_scts(response, bare.certificate.serial_number)
    assert [(s.log_id, s.signature) for s in found] == [(s.log_id, s.signature) for s in wanted]


def test_they_verify_over_the_leaf(pki: LabPki, response: bytes, bare: Credential) -> None:
    logs = {log.log_id: log.known() for log in pki.logs}
    scts = stapled_scts(response, bare.certificate.serial_number)
    results = check_sent_scts(Certificate(bare.der), scts, logs, "ocsp-staple")
    assert [result.status for result in results] == ["valid", "valid"]


def test_those_of_another_certificate_are_not_taken(response: bytes) -> None:
    assert stapled_scts(response, 1) == ()


def test_a_response_without_any_has_none(pki: LabPki, bare: Credential) -> None:
    assert stapled_scts(staple(pki.intermediate, bare), bare.certificate.serial_number) == ()


def test_a_responder_that_refuses_gives_none(bare: Credential) -> None:
    refusal = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    from cryptography.hazmat.primitives.serialization import Encoding

    data = refusal.public_bytes(Encoding.DER)
    assert stapled_scts(data, bare.certificate.serial_number) == ()


def test_every_truncation_is_an_error_of_ours_or_nothing(response: bytes, bare: Credential) -> None:
    serial = bare.certificate.serial_number
    for size in range(len(response)):
        try:
            assert stapled_scts(response[:size], serial) == ()
        except CertificateError:
            continue


@pytest.mark.parametrize("value", [b"", b"\x04\x00", b"\x30\x00", b"\x04\x03\x00\x05\x00"])
def test_a_list_that_breaks_its_grammar_is_an_error(
    pki: LabPki, bare: Credential, value: bytes
) -> None:
    data = staple(pki.intermediate, bare, value)
    with pytest.raises(CertificateError):
        stapled_scts(data, bare.certificate.serial_number)


def test_a_response_larger_than_any_honest_one_is_refused(response: bytes) -> None:
    with pytest.raises(CertificateError, match="at most"):
        stapled_scts(response + bytes(MAX_RESPONSE), 1)
