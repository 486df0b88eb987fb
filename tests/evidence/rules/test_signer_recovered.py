from detector.chain.certificate import Certificate
from detector.evidence.rules import signer_recovered
from detector.lab.pki import Authority, LabPki
from tests.conftest import Observe
from tests.evidence.conftest import Ask
from tests.evidence.test_recovered import RSA, Mimic


def test_a_key_that_the_leaf_names_is_told(ask: Ask, observe: Observe) -> None:
    forger = Authority("Somebody's", profile=False)
    found = ask(signer_recovered, observe("a.com", [forger.issue("a.com").der]))
    assert found is not None
    assert (found.points, found.strength) == ("neutral", "weak")
    assert found.details["spki_sha256"] == [Certificate(forger.der).spki_sha256]


def test_of_two_keys_both_are_told(ask: Ask, observe: Observe) -> None:
    forger = Mimic("Somebody's", profile=False)
    found = ask(signer_recovered, observe("a.com", [forger.issue("a.com").der]))
    assert found is not None
    assert Certificate(forger.der).spki_sha256 in found.details["spki_sha256"]
    assert len(found.details["spki_sha256"]) == 2


def test_scts_that_hold_tell_a_forgotten_intermediate(
    ask: Ask, observe: Observe, pki: LabPki
) -> None:
    found = ask(signer_recovered, observe("a.com", [pki.issue("a.com").der]))
    assert found is not None
    assert "a public one" in found.text


def test_nothing_is_told_of_an_rsa_signer_or_one_that_was_sent(ask: Ask, observe: Observe) -> None:
    unknown, sent = Authority("x", key=RSA), Authority("y")
    assert ask(signer_recovered, observe("a.com", [unknown.issue("a.com").der])) is None
    assert ask(signer_recovered, observe("a.com", [sent.issue("a.com").der, sent.der])) is None
