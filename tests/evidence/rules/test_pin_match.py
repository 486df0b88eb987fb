from dataclasses import replace
from datetime import date, timedelta

from detector.chain.certificate import Certificate
from detector.evidence.rules import pin_match, pin_mismatch
from detector.known.hosts import HostPattern
from detector.known.knowledge import Knowledge, Pin
from detector.lab.pki import Authority, LabPki
from tests.chain.test_path import puppet_leaf
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


def test_an_allowed_issuer_is_proof_for_the_right_name(
    pki: LabPki, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    key = Certificate(pki.intermediate.der).spki_sha256
    knowledge = replace(known, pins=(Pin(HostPattern("a.example"), issuers=(key,)),))
    found = ask(pin_match, observe("a.example", pki.issue("a.example")), knowledge)
    assert found is not None
    assert (found.strength, found.details["role"]) == ("proof", "issuer")


def test_a_pin_with_keys_and_issuers_wants_both(
    pki: LabPki, corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    """The site's own key, certified by somebody whom the pin does not allow."""
    leaf = pki.issue("a.example")
    stolen = corporate.issue("a.example", key=leaf.key)
    issuer = Certificate(pki.intermediate.der).spki_sha256
    key = Certificate(leaf.der).spki_sha256
    knowledge = replace(known, pins=(Pin(HostPattern("a.example"), (key,), issuers=(issuer,)),))
    assert ask(pin_match, observe("a.example", leaf), knowledge) is not None
    seen = observe("a.example", (*stolen.chain, corporate.der))
    assert ask(pin_match, seen, knowledge) is None
    broken = ask(pin_mismatch, seen, knowledge)
    assert broken is not None
    assert "no issuer that the pin for a.example allows" in broken.text


def test_an_owner_allows_every_key_of_theirs(
    pki: LabPki, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    key = Certificate(pki.intermediate.der).spki_sha256
    pins = (Pin(HostPattern("a.example"), owners=("LAB owner",)),)
    seen = observe("a.example", pki.issue("a.example"))
    theirs = replace(known, pins=pins, owners=lambda: {key: "Lab Owner"})
    others = replace(known, pins=pins, owners=lambda: {key: "Somebody", "0" * 64: "Lab Owner"})
    unknown = replace(known, pins=pins)
    assert ask(pin_match, seen, theirs) is not None
    assert ask(pin_match, seen, others) is None
    found = ask(pin_mismatch, seen, others)
    assert found is not None
    assert found.details["owners"] == ["LAB owner"]
    # Without a table of owners such a pin says nothing, neither for nor against.
    assert ask(pin_match, seen, unknown) is None
    assert ask(pin_mismatch, seen, unknown) is None


def test_a_backup_key_will_do_and_is_named(
    pki: LabPki, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    leaf = pki.issue("a.example")
    key = Certificate(leaf.der).spki_sha256
    pins = (Pin(HostPattern("a.example"), ("0" * 64,), backup=(key,)),)
    found = ask(pin_match, observe("a.example", leaf), replace(known, pins=pins))
    assert found is not None
    assert "backup key" in found.text


def test_a_pinned_ca_above_a_certificate_that_may_not_issue_matches_nothing(
    pki: LabPki, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    key = Certificate(pki.intermediate.der).spki_sha256
    seen = observe("bank.example", puppet_leaf(pki))
    for pin in (
        Pin(HostPattern("bank.example"), (key,)),
        Pin(HostPattern("bank.example"), issuers=(key,)),
    ):
        knowledge = replace(known, pins=(pin,))
        assert ask(pin_match, seen, knowledge) is None
        broken = ask(pin_mismatch, seen, knowledge)
        assert broken is not None
        assert broken.strength == "proof"
        assert "CN=evil.example" in broken.text
