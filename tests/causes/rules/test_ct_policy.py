"""Proofs of logging may be in the certificate or come beside it."""

from __future__ import annotations

from typing import Any

import pytest

from detector.causes.rules.ct_policy import find
from detector.lab.ca_service import staple
from detector.lab.pki import Credential, LabPki, sct_extension, sct_list
from detector.model.inquiry import Inquiry
from tests.causes.conftest import MakeClues
from tests.conftest import Observe

LOOKED = {"asked_for": ("scts", "ocsp")}


@pytest.fixture(scope="module")
def bare(pki: LabPki) -> Credential:
    return pki.issue("a.com", logs=())


def test_a_public_leaf_without_any_is_warned_of_once_somebody_looked(
    clues: MakeClues, bare: Credential, observe: Observe
) -> None:
    assert find(clues(Inquiry(observe("a.com", bare, **LOOKED)))) is not None
    assert find(clues(Inquiry(observe("a.com", bare)))) is None


@pytest.mark.parametrize("where", ["extension", "staple"])
def test_proofs_in_the_handshake_will_do(
    clues: MakeClues, pki: LabPki, bare: Credential, observe: Observe, where: str
) -> None:
    sct = pki.logs[0].sign_certificate(bare.der)
    sent: dict[str, Any] = {"scts": sct_list([sct])}
    if where == "staple":
        sent = {"ocsp": staple(pki.intermediate, bare, sct_extension([sct]))}
    assert find(clues(Inquiry(observe("a.com", bare, **LOOKED, **sent)))) is None
