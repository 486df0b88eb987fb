"""The log's view is cut out of what was sent."""

import pytest
from cryptography import x509

from detector.chain.certificate import Certificate
from detector.chain.precertificate import without_scts
from detector.chain.sct import check_scts
from detector.errors import CertificateError
from detector.lab.pki import LabPki, sct_extension
from tests.chain.resigning import extensions_changed, joined, parts, resigned, spelt_out


def test_it_is_what_cryptography_makes_of_a_well_formed_leaf(pki: LabPki) -> None:
    for names in (["a.example"], [f"h{n}.a.example" for n in range(300)]):
        data = pki.issue(*names).der
        theirs = x509.load_der_x509_certificate(data).tbs_precertificate_bytes
        assert without_scts(Certificate(data)) == theirs


def test_a_leaf_without_scts_stays_as_it_is(pki: LabPki) -> None:
    leaf = Certificate(pki.issue("a.example", logs=()).der)
    assert without_scts(leaf) == leaf.tbs


def test_without_any_other_extension_the_field_goes_too(pki: LabPki) -> None:
    whole = pki.issue("a.example").der

    def only_scts(listed: list[bytes]) -> list[bytes]:
        return [one for one in listed if b"\xd6\x79\x02\x04\x02" in one]

    leaf = Certificate(resigned(whole, pki.intermediate, extensions_changed(only_scts)))
    assert [name for name, _, _ in leaf.extensions] == ["SCT"]
    assert parts(without_scts(leaf)) == parts(leaf.tbs)[:-1]


def test_scts_hold_over_what_a_strict_parser_refuses(pki: LabPki) -> None:
    bare = pki.issue("a.example", logs=()).der
    odd = resigned(bare, pki.intermediate, extensions_changed(spelt_out))
    scts = [log.sign(Certificate(odd).tbs, pki.intermediate.spki) for log in pki.logs]
    listed = joined(
        0x30, [bytes.fromhex("060a2b06010401d679020402"), der_octets(sct_extension(scts))]
    )
    whole = resigned(odd, pki.intermediate, extensions_changed(lambda found: [*found, listed]))
    with pytest.raises(ValueError, match=r".*"):
        _ = x509.load_der_x509_certificate(whole).extensions
    logs = {log.log_id: log.known() for log in pki.logs}
    found = check_scts(Certificate(whole), Certificate(pki.intermediate.der), logs)
    assert [result.status for result in found] == ["valid"] * len(pki.logs)


def der_octets(value: bytes) -> bytes:
    return joined(0x04, [value])


def test_a_certificate_that_cannot_be_walked_is_our_own_error(pki: LabPki) -> None:
    leaf = Certificate(pki.issue("a.example").der[:-90] + b"\xff" * 90)
    with pytest.raises(CertificateError):
        without_scts(leaf)
