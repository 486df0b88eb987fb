"""The issuer was sent, and did not sign."""

from __future__ import annotations

import pytest

from detector.causes.find import find_causes
from detector.lab.pki import Authority, LabPki
from detector.model.inquiry import Inquiry
from tests.causes.conftest import MakeClues
from tests.conftest import Observe


@pytest.mark.parametrize("bit", [0, 9])
def test_a_damaged_leaf_beside_its_true_issuer_is_not_said_to_lack_it(
    clues: MakeClues, pki: LabPki, observe: Observe, bit: int
) -> None:
    whole = pki.issue("a.com").der
    damaged = whole[: -1 - bit] + bytes((whole[-1 - bit] ^ 1,)) + whole[len(whole) - bit :]
    made = clues(Inquiry(observe("a.com", (damaged, pki.intermediate.der))))
    found = find_causes(made)
    assert "incomplete-chain" not in found
    assert "issuer-unknown" not in found
    cause = found["wrong-issuer"]
    assert cause.severity == "error"
    assert "did not sign this leaf" in cause.text
    assert "changed after it was signed" in cause.evidence[0]
    assert "wrong-issuer" in [one.id for one in made.judgement.causes]  # check says it too


def test_another_key_of_the_same_ca_is_told_by_the_key_identifiers(
    clues: MakeClues, observe: Observe
) -> None:
    old, new = Authority("Somebody's CA"), Authority("Somebody's CA")
    found = find_causes(clues(Inquiry(observe("a.com", (new.issue("a.com").der, old.der)))))
    assert "names another key" in found["wrong-issuer"].evidence[0]
    assert "fullchain.pem" in found["wrong-issuer"].fix


def test_where_the_true_issuer_was_fetched_it_is_what_is_missing(
    clues: MakeClues, pki: LabPki, observe: Observe
) -> None:
    name = pki.intermediate.certificate.subject.rfc4514_string()
    assert "Lab Public Intermediate" in name
    stranger = LabPki().intermediate  # the same name, and another key
    sent = (pki.issue("a.com").der, stranger.der)
    found = find_causes(clues(Inquiry(observe("a.com", sent, fetched=(pki.intermediate.der,)))))
    assert "wrong-issuer" not in found
    assert "did not sign it" in found["incomplete-chain"].evidence[-1]
