"""Who may stand above a certificate."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from detector.chain.certificate import Certificate
from detector.chain.issuing import why_not, why_not_anchor
from detector.lab.pki import Authority, LabPki, _key_usage
from tests.chain.resigning import extensions_changed, resigned
from tests.chain.test_path import CA, bare_root, sub_ca

UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")


def critical(parent: Authority) -> Authority:
    return Authority("Odd", parent=parent, extra=((UNKNOWN, True),))


@pytest.mark.parametrize(
    ("extensions", "why"),
    [
        ((CA,), None),
        ((), "not-a-ca"),
        ((x509.BasicConstraints(False, None),), "not-a-ca"),
        ((CA, _key_usage(ca=False)), "key-usage"),
        ((CA, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])), "usage"),
        ((CA, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])), None),
        ((CA, x509.NameConstraints([x509.DNSName("b.example")], None)), "name-constraint"),
    ],
)
def test_an_issuer_has_to_say_that_it_is_a_ca_for_servers_and_for_these_names(
    pki: LabPki, extensions: tuple[x509.ExtensionType, ...], why: str | None
) -> None:
    issuer = sub_ca(pki.root, *extensions)
    leaf = Certificate(issuer.issue("a.example").der)
    assert why_not(Certificate(issuer.der), [leaf], "a.example") == why


def test_a_critical_extension_that_nobody_knows_bars_an_issuer_and_an_anchor(pki: LabPki) -> None:
    issuer = critical(pki.root)
    leaf = Certificate(issuer.issue("a.example").der)
    for asked in (why_not, why_not_anchor):
        assert asked(Certificate(issuer.der), [leaf], "a.example") == "critical-extension"
    harmless = Authority("Odd", parent=pki.root, extra=((UNKNOWN, False),))
    assert why_not(Certificate(harmless.der), [leaf], "a.example") is None


def test_an_anchor_need_not_say_what_its_store_says_but_keeps_to_what_it_does(pki: LabPki) -> None:
    leaf = Certificate(pki.issue("a.example").der)
    old = Certificate(bare_root().der)
    assert why_not(old, [leaf], "a.example") == "not-a-ca"
    assert why_not_anchor(old, [leaf], "a.example") is None
    for extensions, why in (
        ((x509.BasicConstraints(False, None),), "not-a-ca"),
        ((_key_usage(ca=False),), "key-usage"),
        ((x509.NameConstraints(None, [x509.DNSName("a.example")]),), "name-constraint"),
        ((x509.BasicConstraints(True, 0),), None),
    ):
        anchor = Certificate(sub_ca(pki.root, *extensions).der)
        assert why_not_anchor(anchor, [leaf], "a.example") == why


def test_a_path_length_counts_cas_but_not_those_that_a_ca_issued_to_itself(pki: LabPki) -> None:
    """PKITS 4.6.15 to 4.6.17."""
    narrow = sub_ca(pki.root, x509.BasicConstraints(True, 0), name="Roll")
    again = Authority("Roll", parent=narrow)
    again.certificate = sub_ca(narrow, CA, name="Roll").certificate
    below = sub_ca(narrow, CA, name="Below")
    issuer = Certificate(narrow.der)
    leaf = Certificate(below.issue("a.example").der)
    rolled = Certificate(again.der)
    assert rolled.is_self_issued
    assert why_not(issuer, [leaf], "a.example") is None
    assert why_not(issuer, [leaf, rolled], "a.example") is None
    assert why_not(issuer, [leaf, Certificate(below.der)], "a.example") == "path-length"
    assert why_not(issuer, [leaf, Certificate(below.der), rolled], "a.example") == "path-length"


def test_an_extension_that_is_there_twice_cannot_be_read(pki: LabPki) -> None:
    def twice(listed: list[bytes]) -> list[bytes]:
        return [*listed, next(one for one in listed if b"\x55\x1d\x13" in one)]

    odd = Certificate(resigned(pki.intermediate.der, pki.root, extensions_changed(twice)))
    leaf = Certificate(pki.issue("a.example").der)
    assert why_not(odd, [leaf], "a.example") == "unreadable"
