from dataclasses import replace

from detector.evidence import ct_issuer_unknown
from detector.evidence.known import HostPattern, Knowledge, KnownIssuers
from detector.lab.pki import Authority, LabPki
from tests.conftest import Observe
from tests.evidence.conftest import Ask


def logged(known: Knowledge) -> Knowledge:
    issuers = (KnownIssuers(HostPattern("a.example"), frozenset(("0" * 64,)), "test"),)
    return replace(known, issuers=issuers)


def test_a_private_issuer_beside_logged_ones_is_strong(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    chain = (*corporate.issue("a.example").chain, corporate.der)
    found = ask(ct_issuer_unknown, observe("a.example", chain), logged(known))
    assert found is not None
    assert found.strength == "strong"


def test_another_public_ca_is_weak(
    pki: LabPki, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    found = ask(ct_issuer_unknown, observe("a.example", pki.issue("a.example")), logged(known))
    assert found is not None
    assert found.strength == "weak"


def test_a_forgotten_intermediate_leaves_nothing_to_compare(
    pki: LabPki, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    leaf = pki.issue("a.example")
    assert ask(ct_issuer_unknown, observe("a.example", [leaf.der]), logged(known)) is None
