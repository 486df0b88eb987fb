from dataclasses import replace
from datetime import timedelta

from detector.chain.certificate import Certificate
from detector.evidence.rules import pin_match, pin_mismatch
from detector.known.hosts import HostPattern
from detector.known.knowledge import Knowledge, Pin, PinOrigin
from detector.lab.pki import Authority, LabPki
from tests.conftest import NOW, Observe
from tests.evidence.conftest import Ask

PIN = (Pin(HostPattern("a.example"), ("0" * 64,)),)


def test_a_broken_pin_on_a_private_path_is_proof(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    shown = observe("a.example", (*corporate.issue("a.example").chain, corporate.der))
    found = ask(pin_mismatch, shown, replace(known, pins=PIN))
    assert found is not None
    assert (found.points, found.strength) == ("intercepted", "proof")
    assert found.details["expected"] == ["0" * 64]


def test_on_a_public_path_a_renewal_is_possible(
    pki: LabPki, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    shown = observe("a.example", pki.issue("a.example"))
    found = ask(pin_mismatch, shown, replace(known, pins=PIN))
    assert found is not None
    assert found.strength == "strong"


def test_no_pin_no_mismatch(pki: LabPki, observe: Observe, ask: Ask) -> None:
    assert ask(pin_mismatch, observe("a.example", pki.issue("a.example"))) is None


def test_a_pinned_issuer_that_was_not_sent_may_be_there_all_the_same(
    pki: LabPki, corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    for leaf in (pki.issue("a.example"), corporate.issue("a.example")):
        found = ask(pin_mismatch, observe("a.example", [leaf.der]), replace(known, pins=PIN))
        assert found is not None
        assert found.strength == "strong"


def test_a_hosts_own_key_is_not_missing_where_a_leaf_comes_alone_that_is_no_public_cas(
    pki: LabPki, corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    pin = Pin(HostPattern("a.example"), ("0" * 64,), learned=PinOrigin(NOW, "0" * 64))
    for authority, strength in ((corporate, "proof"), (pki.intermediate, "strong")):
        seen = observe("a.example", [authority.issue("a.example").der])
        found = ask(pin_mismatch, seen, replace(known, pins=(pin,)))
        assert found is not None
        assert found.strength == strength


def test_a_pinned_key_behind_a_certificate_that_is_out_of_date_is_neither_match_nor_proof(
    known: Knowledge, observe: Observe, ask: Ask
) -> None:
    root = Authority("Corporate", now=NOW - timedelta(days=500), profile=False)
    old = Authority("Old", parent=root, now=NOW - timedelta(days=400), days=200, profile=False)
    leaf = old.issue("a.example", start=NOW - timedelta(days=1))
    key = Certificate(root.der).spki_sha256
    knowledge = replace(known, pins=(Pin(HostPattern("a.example"), (key,)),))
    shown = observe("a.example", (*leaf.chain, root.der))
    found = ask(pin_mismatch, shown, knowledge)
    assert found is not None
    assert (found.strength, "out of date" in found.text) == ("strong", True)
    assert ask(pin_match, shown, knowledge) is None
    before = observe("a.example", (*leaf.chain, root.der), at=NOW - timedelta(days=300))
    assert ask(pin_match, before, knowledge) is not None
    # Without the root it may still be the one that is missing.
    alone = ask(pin_mismatch, observe("a.example", leaf.chain), knowledge)
    assert alone is not None
    assert alone.strength == "strong"
