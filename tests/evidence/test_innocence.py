"""Innocent explanations of private chains: which one, and whether by key or by name alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from detector.chain.certificate import Certificate
from detector.chain.shape import key_kind
from detector.evidence.examination import Examination
from detector.evidence.innocence import Innocence, innocent_private_ca
from detector.judging.judge import judge_all
from detector.knowledge import shipped
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Observation
from tests.conftest import Observe

DOD = Authority("DOD SW CA-99", profile=False)
ROWS = {ca.name: ca for ca in shipped.shared_cas()}


def named(organization: str, unit: str, name: str | None = None) -> Authority:
    """A CA with a name of several attributes."""
    ca = Authority(name or "x", profile=False)
    ca.subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
            *([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else []),
        ]
    )
    return ca


ORIGIN = named("CloudFlare, Inc.", "CloudFlare Origin SSL Certificate Authority")
ARMY = named("U.S. Government", "DoD", "DOD SW CA-99")


Explain = Callable[..., Innocence | None]


@pytest.fixture
def explain(known: Knowledge) -> Explain:
    def found(observation: Observation, knowledge: Knowledge | None = None) -> Innocence | None:
        return innocent_private_ca(Examination(observation, knowledge or known))

    return found


def owned(ca: Authority, host: str, organization: str | None, pointer: str | None) -> bytes:
    """A leaf that names an organisation, and a place to ask for its issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, host)]
    if organization:
        subject.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    builder = (
        x509.CertificateBuilder(ca.subject, x509.Name(subject), key.public_key(), 1 << 99)
        .not_valid_before(ca.now)
        .not_valid_after(ca.now.replace(year=ca.now.year + 1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), False)
    )
    if pointer:
        place = x509.UniformResourceIdentifier(pointer)
        access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, place)
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), False)
    return builder.sign(ca.key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_ca_with_many_owners_is_said_to_be_one_by_its_name(
    observe: Observe, explain: Explain
) -> None:
    for host in ("shop.alpha.org", "www.beta.net"):
        found = explain(observe(host, [ORIGIN.issue(host).der]))
        assert found is not None
        assert (found.kind, found.name, found.certain) == (
            "shared-ca",
            "Cloudflare Origin CA",
            False,
        )
        assert "anybody may write" in found.text
        assert found.next
        assert found.source


def test_it_is_one_for_certain_where_its_key_is_known(
    observe: Observe,
    explain: Explain,
    known: Knowledge,
) -> None:
    row = msgspec.structs.replace(ROWS["DoD PKI"], certificates=(Certificate(DOD.der).sha256,))
    knowledge = replace(known, shared_cas=(row,))
    seen = observe("www.army.mil", (DOD.issue("www.army.mil").der, DOD.der))
    found = explain(seen, knowledge)
    assert found is not None
    assert (found.kind, found.certain) == ("shared-ca", True)
    forged = Authority("DOD SW CA-99", profile=False)
    other = observe("www.army.mil", (forged.issue("www.army.mil").der, forged.der))
    assert explain(other, knowledge) is None


def test_a_leaf_sent_alone_shows_its_ca_by_its_signature(
    observe: Observe, explain: Explain, known: Knowledge
) -> None:
    """Cloudflare's customers send no issuer."""
    row = ROWS["Cloudflare Origin CA"]
    assert [key_kind(key) for key in row.keys] == ["ec-secp256r1", "rsa2048"]
    knowledge = replace(
        known,
        shared_cas=(msgspec.structs.replace(row, keys=(*row.keys, Certificate(ORIGIN.der).spki)),),
    )
    seen = observe("shop.alpha.org", [ORIGIN.issue("shop.alpha.org").der])
    found = explain(seen, knowledge)
    assert found is not None
    assert found.certain
    forger = named("CloudFlare, Inc.", "CloudFlare Origin SSL Certificate Authority")
    found = explain(observe("shop.alpha.org", [forger.issue("shop.alpha.org").der]), knowledge)
    assert found is not None
    assert not found.certain


def test_a_states_pki_has_no_business_at_a_bank(observe: Observe, explain: Explain) -> None:
    home = explain(observe("www.army.mil", (ARMY.issue("www.army.mil").der,)))
    away = explain(observe("www.bank.com", (ARMY.issue("www.bank.com").der,)))
    assert home is not None
    assert (home.name, home.certain) == ("DoD PKI", False)
    assert away is None


def test_an_owners_own_ca_shows_by_its_name_and_by_its_servers(
    observe: Observe, explain: Explain
) -> None:
    ca = Authority("Issuing CA 1", organization="Example  AG", profile=False)
    for organization, pointer, reasons in (
        ("EXAMPLE AG", None, ("the same organisation",)),
        (None, "http://pki.example-ag.de/ca.crt", ("pki.example-ag.de",)),
        ("Example AG", "ldap://ldap.example-ag.de/cn=x", ("the same organisation", "ldap.example-ag.de")),
    ):  # fmt: skip
        host = "vpn.example-ag.de"
        found = explain(observe(host, [owned(ca, host, organization, pointer)]))
        assert found is not None
        assert (found.kind, found.certain) == ("owners-ca", False)
        assert all(reason in found.text for reason in reasons)
    for organization, pointer in ((None, None), ("Other AG", "http://pki.elsewhere.com/ca.crt")):
        host = "vpn.example-ag.de"
        assert explain(observe(host, [owned(ca, host, organization, pointer)])) is None


def test_a_vendor_at_home_a_self_signed_site_and_a_public_path(
    observe: Observe,
    explain: Explain,
    pki: LabPki,
) -> None:
    for name in ("FortiGate CA", "fortinet-subca2001"):
        vendor = Authority(name, organization="Fortinet", profile=False)
        found = explain(observe("update.fortinet.net", [vendor.issue("update.fortinet.net").der]))
        assert found is not None
        assert (found.kind, found.name) == ("vendors-ca", "FortiGate")
    found = explain(observe("hobby.org", [Authority("hobby.org").der]))
    assert found is not None
    assert found.kind == "self-signed"
    assert explain(observe("a.com", pki.issue("a.com"))) is None


def test_a_state_at_home_is_said_to_be_one_and_abroad_nothing(
    observe: Observe, explain: Explain
) -> None:
    state = Authority("Russian Trusted Sub CA", profile=False)
    found = explain(observe("www.bank.ru", [state.issue("www.bank.ru").der]))
    assert found is not None
    assert (found.kind, found.certain) == ("state-ca", False)
    assert explain(observe("www.bank.com", [state.issue("www.bank.com").der])) is None


def test_an_explanation_by_name_makes_no_verdict_clean(observe: Observe, known: Knowledge) -> None:
    seen = [observe(host, [ORIGIN.issue(host).der]) for host in ("shop.alpha.org", "www.beta.net")]
    assert {j.verdict for j in judge_all(seen, known)} <= {"suspect", "intercepted"}


def test_what_real_installers_of_roots_pin_is_in_the_table() -> None:
    assert len(ROWS["Amazon RDS"].certificates) > 100
    assert all(ca.text and ca.source for ca in ROWS.values())
    assert (Path(shipped.DATA) / "shared_cas.toml").stat().st_size < 20_000
