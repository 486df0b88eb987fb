import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from detector.evidence.rules import product_match
from detector.lab.pki import Authority, LabPki
from tests.conftest import Observe
from tests.evidence.conftest import Ask

ESET = Authority("ESET SSL Filter CA", organization="ESET, spol. s r. o.", profile=False)
FORTINET = Authority("FortiGate CA", organization="Fortinet", profile=False)


def test_the_issuers_name_tells_the_product(observe: Observe, ask: Ask) -> None:
    found = ask(product_match, observe("a.com", ESET.issue("a.com")))
    assert found is not None
    assert (found.details["product"], found.strength) == ("ESET", "strong")


def test_an_issuer_further_up_counts_as_well(observe: Observe, ask: Ask) -> None:
    below = Authority("Branch office", parent=ESET, profile=False)
    assert ask(product_match, observe("a.com", (*below.issue("a.com").chain, ESET.der))) is not None


def test_a_subject_never_counts(corporate: Authority, observe: Observe, ask: Ask) -> None:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ESET SSL Filter CA")])
    leaf = corporate.issue("a.com")
    builder = x509.CertificateBuilder(
        corporate.subject, subject, leaf.certificate.public_key(), 99,
        leaf.certificate.not_valid_before_utc, leaf.certificate.not_valid_after_utc,
    )  # fmt: skip
    der = builder.sign(corporate.key, hashes.SHA256()).public_bytes(Encoding.DER)
    assert ask(product_match, observe("a.com", [der])) is None


def test_a_vendor_under_a_public_root_is_left_alone(
    pki: LabPki, observe: Observe, ask: Ask
) -> None:
    vendor = Authority("FortiGate CA", organization="Fortinet", parent=pki.root)
    assert ask(product_match, observe("www.fortinet.com", vendor.issue("www.fortinet.com"))) is None


def test_an_appliances_own_page_is_no_interception(observe: Observe, ask: Ask) -> None:
    found = ask(product_match, observe("192.168.1.99", FORTINET.issue("192.168.1.99")))
    assert found is not None
    assert found.points == "neutral"


def test_a_weak_row_stays_weak(observe: Observe, ask: Ask) -> None:
    aruba = Authority("Aruba controller", organization="Aruba", profile=False)
    found = ask(product_match, observe("a.com", aruba.issue("a.com")))
    assert found is not None
    assert found.strength == "weak"


def test_a_forger_names_the_host_and_an_appliance_itself(observe: Observe, ask: Ask) -> None:
    for shown, host, strength in (
        (FORTINET.issue("vpn.corp.com"), "vpn.corp.com", "strong"),
        (FORTINET.issue("FGT60FTK19000001"), "vpn.corp.com", "weak"),
        ([FORTINET.der], "vpn.corp.com", "weak"),
        (FORTINET.issue("8.8.8.8"), "8.8.8.8", "weak"),
        (FORTINET.issue("update.fortinet.net"), "update.fortinet.net", "weak"),
    ):
        found = ask(product_match, observe(host, shown))
        assert found is not None
        assert (found.points, found.strength) == ("intercepted", strength), host


@pytest.mark.parametrize(
    ("name", "strength"), [("www.Shop.com", "strong"), ("FGT60FTK19000001", "weak")]
)
def test_an_old_forger_names_the_host_in_the_cn_alone(
    observe: Observe, ask: Ask, name: str, strength: str
) -> None:
    like = FORTINET.issue("x.example").certificate
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(
        FORTINET.subject, subject, like.public_key(), 99,
        like.not_valid_before_utc, like.not_valid_after_utc,
    )  # fmt: skip
    der = builder.sign(FORTINET.key, hashes.SHA256()).public_bytes(Encoding.DER)
    found = ask(product_match, observe("www.shop.com", [der]))
    assert found is not None
    assert found.strength == strength


def test_a_vendors_own_pki_is_no_product(observe: Observe, ask: Ask) -> None:
    factory = Authority("fortinet-subca2001", organization="Fortinet", profile=False)
    assert ask(product_match, observe("vpn.corp.com", factory.issue("vpn.corp.com"))) is None
