from dataclasses import replace
from datetime import date, timedelta

from detector.chain.certificate import Certificate
from detector.evidence import pin_match
from detector.evidence.hosts import HostPattern
from detector.evidence.known import Knowledge, Pin
from detector.lab.pki import Authority, LabPki
from tests.conftest import NOW, Observe
from tests.evidence.conftest import Ask


def pinned(known: Knowledge, *keys: str, expires: date | None = None) -> Knowledge:
    return replace(known, pins=(Pin(HostPattern(".a.example"), keys, expires),))


def test_a_pinned_leaf_key_is_proof(
    pki: LabPki, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    leaf = pki.issue("www.a.example")
    key = Certificate(leaf.der).spki_sha256
    found = ask(pin_match, observe("www.a.example", leaf), pinned(known, "0" * 64, key))
    assert found is not None
    assert (found.points, found.strength, found.details["role"]) == ("direct", "proof", "leaf")


def test_a_pinned_intermediate_is_proof_for_the_right_name_only(
    pki: LabPki, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    key = Certificate(pki.intermediate.der).spki_sha256
    right = ask(pin_match, observe("a.example", pki.issue("a.example")), pinned(known, key))
    wrong = ask(pin_match, observe("a.example", pki.issue("b.example")), pinned(known, key))
    assert right is not None
    assert wrong is not None
    assert (right.strength, wrong.strength) == ("proof", "weak")


def test_an_appended_certificate_with_the_pinned_key_matches_nothing(
    pki: LabPki, corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    genuine = pki.issue("a.example")
    chain = (corporate.issue("a.example").der, *genuine.chain)
    key = Certificate(genuine.der).spki_sha256
    assert ask(pin_match, observe("a.example", chain), pinned(known, key)) is None


def test_an_expired_pin_and_another_hosts_pin_do_not_apply(
    pki: LabPki, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    leaf = pki.issue("a.example", "b.example")
    key = Certificate(leaf.der).spki_sha256
    old = pinned(known, key, expires=(NOW - timedelta(days=1)).date())
    assert ask(pin_match, observe("a.example", leaf), old) is None
    assert ask(pin_match, observe("b.example", leaf), pinned(known, key)) is None
