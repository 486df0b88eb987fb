"""A critical extension that nobody knows is a fault of whoever has it."""

from __future__ import annotations

from cryptography import x509

from detector.causes.rules.unknown_critical_extension import find
from detector.lab.pki import Authority, LabPki
from detector.model.inquiry import Inquiry
from tests.causes.conftest import MakeClues
from tests.conftest import Observe

UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")


def test_the_leafs_is_told_with_its_identifier(
    clues: MakeClues, pki: LabPki, observe: Observe
) -> None:
    found = find(clues(Inquiry(observe("a.com", pki.issue("a.com", extra=((UNKNOWN, True),))))))
    assert found is not None
    assert found.severity == "error"
    assert found.evidence == ("It is 1.3.6.1.4.1.99999.1.",)


def test_a_precertificate_is_called_one(clues: MakeClues, pki: LabPki, observe: Observe) -> None:
    poisoned = pki.issue("a.com", extra=((x509.PrecertPoison(), True),), logs=())
    found = find(clues(Inquiry(observe("a.com", poisoned))))
    assert found is not None
    assert "precertificate" in found.text


def test_an_issuers_is_told_and_is_no_wrong_usage(
    clues: MakeClues, pki: LabPki, observe: Observe
) -> None:
    odd = Authority("Odd CA", parent=pki.root, extra=((UNKNOWN, True),))
    shown = clues(Inquiry(observe("a.com", odd.issue("a.com"))))
    found = find(shown)
    assert found is not None
    assert found.text.startswith("CN=Odd CA")
    errors = [cause.id for cause in shown.judgement.causes if cause.severity == "error"]
    assert errors == ["unknown-critical-extension"]
    assert shown.judgement.verdict == "suspect"


def test_what_is_not_critical_or_not_on_the_path_is_nobodys_fault(
    clues: MakeClues, pki: LabPki, observe: Observe
) -> None:
    stranger = Authority("Stranger", extra=((UNKNOWN, True),))
    leaf = pki.issue("a.com", extra=((UNKNOWN, False),))
    assert find(clues(Inquiry(observe("a.com", (*leaf.chain, stranger.der))))) is None
