"""Proofs of logging may be in the certificate or come beside it."""

from __future__ import annotations

from detector.causes.rules.ct_policy import find
from detector.lab.pki import LabPki
from detector.model.inquiry import Inquiry, Trial
from tests.causes.conftest import MakeClues
from tests.conftest import Observe


def test_proofs_in_the_handshake_will_do(clues: MakeClues, pki: LabPki, observe: Observe) -> None:
    seen = observe("a.com", pki.issue("a.com", logs=()))
    without = Trial("plain", "answered", version=0x0304)
    beside = Trial("plain", "answered", version=0x0304, scts=True)
    assert find(clues(Inquiry(seen, {"plain": without}))) is not None
    assert find(clues(Inquiry(seen, {"plain": beside}))) is None
