"""A signer that was not sent counts like one that was, unless it is a public intermediate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from detector.chain.certificate import Certificate
from detector.chain.name_matching import as_read
from detector.evidence.examination import Examination
from detector.evidence.sharing import keys_of
from detector.judging.judge import judge_all
from detector.known.hosts import HostPattern
from detector.known.intermediates import PublicIntermediate, PublicIntermediates, name_digest
from detector.known.knowledge import Knowledge, Pin, Policy, PrivateIssuer, Sanctioned
from detector.lab.ct_log import LabLog
from detector.lab.pki import Authority, Credential, LabPki, PrivateKey
from detector.model.observation import Judgement
from tests.conftest import Observe

_SCT_LIST = "1.3.6.1.4.1.11129.2.4.2"
EC, RSA = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
HOSTS = ("alpha.com", "github.com")  # the second is known to be public


@pytest.fixture(params=[EC, RSA], ids=["ec", "rsa"])
def key(request: pytest.FixtureRequest) -> PrivateKey:
    found: PrivateKey = request.param
    return found


class Mimic(Authority):
    """A forger whose leaves name another's key as their issuer's, or none."""

    genuine: Authority | None = None

    def _leaf_extensions(self, *given: Any) -> list[tuple[x509.ExtensionType, bool]]:
        plain = super()._leaf_extensions(*given)
        found = [e for e in plain if not isinstance(e[0], x509.AuthorityKeyIdentifier)]
        return found + ([(self.genuine.key_identifier, False)] if self.genuine else [])


def signers(known: Knowledge, authority: Authority) -> Knowledge:
    """As after `--recover`; an ECDSA signer is recovered without."""
    computed = (authority.spki,) if isinstance(authority.key, rsa.RSAPrivateKey) else ()
    return replace(known, signers=computed)


def listed(known: Knowledge, authority: Authority) -> Knowledge:
    certificate = Certificate(authority.der)
    row = PublicIntermediate(
        certificate.spki_sha256, name_digest(as_read(certificate.subject)), certificate.subject_text
    )
    return replace(known, intermediates=PublicIntermediates(lambda: (row,)))


def judged(
    observe: Observe, known: Knowledge, leaves: tuple[Credential, ...]
) -> tuple[Judgement, ...]:
    """Each leaf sent alone, by a host of its own."""
    seen = [observe(host, [leaf.der]) for host, leaf in zip(HOSTS, leaves, strict=True)]
    return tuple(judge_all(seen, known))


def found(judgement: Judgement) -> dict[str, tuple[str, str]]:
    return {e.id: (e.points, e.strength) for e in judgement.evidence}


def copied_scts(leaf: Credential) -> tuple[x509.ExtensionType, bool]:
    value = Certificate(leaf.der).extension("SCT")
    assert value is not None
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(_SCT_LIST), value), False


def test_hosts_that_forgot_one_unlisted_public_intermediate_are_not_accused(
    pki: LabPki, known: Knowledge, observe: Observe, key: PrivateKey
) -> None:
    forgotten = pki.authority("A brand new intermediate", key=key)
    leaves = tuple(forgotten.issue(host) for host in HOSTS)
    for judgement in judged(observe, signers(known, forgotten), leaves):
        evidence = found(judgement)
        assert judgement.verdict != "intercepted"
        assert evidence["sct-verified"][0] == "direct"
        assert evidence["path-incomplete"][0] == "neutral"
        assert not {"issuer-shared", "leaf-key-shared", "sct-invalid"} & set(evidence)


def test_hosts_that_forgot_a_listed_intermediate_are_not_accused_without_scts(
    pki: LabPki, known: Knowledge, observe: Observe, key: PrivateKey
) -> None:
    forgotten = pki.authority("A listed intermediate", key=key)
    knowledge = listed(signers(known, forgotten), forgotten)
    shared = ec.generate_private_key(ec.SECP256R1())
    leaves = tuple(forgotten.issue(host, logs=(), key=shared) for host in HOSTS)
    for judgement in judged(observe, knowledge, leaves):
        assert judgement.verdict != "intercepted"
        assert found(judgement)["path-incomplete"][0] == "neutral"
        told = next(e.text for e in judgement.evidence if e.id == "signer-recovered")
        assert "A listed intermediate" in told


def test_a_forger_who_copies_name_key_identifier_profile_and_scts_is_told_by_the_key(
    pki: LabPki, known: Knowledge, observe: Observe, key: PrivateKey
) -> None:
    genuine = pki.authority("A listed intermediate")
    forger = Mimic("A listed intermediate", key=key)
    forger.genuine = genuine
    assert forger.subject == genuine.subject
    real = genuine.issue("alpha.com")
    leaves = tuple(forger.issue(host, extra=(copied_scts(real),)) for host in HOSTS)
    knowledge = listed(signers(known, forger), genuine)
    for leaf in leaves:
        assert Certificate(leaf.der).authority_key_id == genuine.key_identifier.key_identifier
    for judgement in judged(observe, knowledge, leaves):
        evidence = found(judgement)
        assert judgement.verdict == "intercepted"
        assert evidence["issuer-shared"] == ("intercepted", "strong")
        assert evidence["sct-invalid"] == ("intercepted", "strong")


def test_a_leaf_that_looks_public_below_a_key_of_which_nothing_is_known_is_left_alone(
    known: Knowledge, observe: Observe, key: PrivateKey
) -> None:
    unknown = Authority("Somebody's", key=key)
    leaves = tuple(unknown.issue(host, logs=[LabLog("unknown here")]) for host in HOSTS)
    for judgement in judged(observe, signers(known, unknown), leaves):
        assert judgement.verdict == "suspect"
        assert "issuer-shared" not in found(judgement)


def test_without_any_sct_its_looks_excuse_nothing(
    known: Knowledge, observe: Observe, key: PrivateKey
) -> None:
    unknown = Authority("Somebody's", key=key)
    leaves = tuple(unknown.issue(host) for host in HOSTS)
    for judgement in judged(observe, signers(known, unknown), leaves):
        assert judgement.verdict == "intercepted"


def test_looks_do_not_excuse_a_shared_leaf_key_but_a_leaf_that_names_both_hosts_does(
    known: Knowledge, observe: Observe
) -> None:
    forger = Authority("Somebody's", key=RSA)
    own = ec.generate_private_key(ec.SECP256R1())
    leaves = tuple(forger.issue(host, key=own) for host in HOSTS)
    for judgement in judged(observe, known, leaves):
        assert found(judgement)["leaf-key-shared"] == ("intercepted", "strong")
    both = forger.issue(*HOSTS, key=own, logs=[LabLog("unknown here")])
    for judgement in judged(observe, known, (both, both)):
        assert "leaf-key-shared" not in found(judgement)


def test_an_issuer_sent_to_one_host_is_the_one_not_sent_to_the_other(
    known: Knowledge, observe: Observe, key: PrivateKey
) -> None:
    forger = Authority("Somebody's", key=key, profile=False)
    seen = [
        observe("alpha.com", [forger.issue("alpha.com").der]),
        observe("github.com", [forger.issue("github.com").der, forger.der]),
    ]
    assert [j.verdict for j in judge_all(seen, signers(known, forger))] == ["intercepted"] * 2


def test_policies_and_pins_know_a_signer_that_was_not_sent(
    known: Knowledge, observe: Observe, key: PrivateKey
) -> None:
    own = Authority("Example Corp CA", key=key, profile=False)
    digest = Certificate(own.der).spki_sha256
    host = (HostPattern("a.com"),)
    seen = observe("a.com", [own.issue("a.com").der])
    expected = Policy(private=(PrivateIssuer(digest, host),))
    allowed = Policy(sanctioned=(Sanctioned("gateway", digest, host),))
    pinned = (Pin(host[0], issuers=(digest,)),)
    for policy, verdict in ((expected, "private"), (Policy(), "suspect")):
        (judgement,) = judge_all([seen], replace(signers(known, own), policy=policy))
        assert judgement.verdict == verdict
    (judgement,) = judge_all([seen], replace(signers(known, own), policy=allowed))
    assert "sanctioned" in found(judgement)
    (judgement,) = judge_all([seen], replace(signers(known, own), pins=pinned))
    assert "pin-match" in found(judgement)


def test_the_key_is_shown_as_the_interceptors(
    known: Knowledge, observe: Observe, key: PrivateKey
) -> None:
    forger = Authority("Somebody's", key=key, profile=False)
    digest = Certificate(forger.der).spki_sha256
    for judgement in judged(
        observe, signers(known, forger), tuple(forger.issue(host) for host in HOSTS)
    ):
        assert judgement.interceptor is not None
        assert judgement.interceptor.issuer_spki_sha256 == digest


def test_two_keys_are_left_where_nothing_names_one_and_they_are_shared_all_the_same(
    known: Knowledge, observe: Observe
) -> None:
    forger = Mimic("Somebody's", profile=False)
    digest = Certificate(forger.der).spki_sha256
    seen = [observe(host, [forger.issue(host).der]) for host in HOSTS]
    for judgement in judge_all(seen, known):
        assert judgement.verdict == "intercepted"
        told = next(e for e in judgement.evidence if e.id == "signer-recovered")
        assert len(told.details["spki_sha256"]) == 2
        assert digest in told.details["spki_sha256"]
    examined = Examination(seen[0], known)
    assert examined.issuer_spki_sha256 is None
    assert digest in {k.identity for k in keys_of(examined)}


def test_a_path_that_goes_on_has_no_unsent_signer(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    assert Examination(observe("a.com", pki.issue("a.com")), known).unsent is None
    own = Authority("own")
    assert Examination(observe("a.com", [own.issue("a.com").der, own.der]), known).unsent is None
