"""Whose clock is wrong: this machine's, or that of whoever captured."""

from __future__ import annotations

from datetime import timedelta

import pytest

from detector.causes.find import find_causes
from detector.lab.pki import LabPki
from detector.model.inquiry import Inquiry
from tests.causes.conftest import MakeClues
from tests.conftest import NOW, Observe


@pytest.mark.parametrize("captured", [False, True])
def test_a_clock_before_the_logs_signature_is_wrong(
    captured: bool, clues: MakeClues, pki: LabPki, observe: Observe
) -> None:
    seen = observe("a.com", pki.issue("a.com"), at=NOW - timedelta(days=20), captured=captured)
    made = clues(Inquiry(seen))
    found = find_causes(made)
    assert "certificate-not-yet-valid" not in found
    wrong = found["client-clock-wrong"]
    assert wrong.severity == ("warning" if captured else "error")
    assert wrong.text.startswith("The capture's clock" if captured else "This machine's clock")
    judged = [cause.id for cause in made.judgement.causes if cause.severity == "error"]
    assert ("certificate-not-yet-valid" in judged) != captured


@pytest.mark.parametrize("captured", [False, True])
@pytest.mark.parametrize("days", [-20, 200])
def test_validity_is_told_by_the_clock_that_it_is_judged_by(
    days: int, captured: bool, clues: MakeClues, pki: LabPki, observe: Observe
) -> None:
    leaf = pki.issue("a.com", logs=())
    seen = observe("a.com", leaf, at=NOW + timedelta(days=days), captured=captured)
    name = "certificate-expired" if days > 0 else "certificate-not-yet-valid"
    said = " ".join(find_causes(clues(Inquiry(seen)))[name].evidence).lower()
    assert ("the capture's clock" in said) == captured
    assert ("this machine's clock" in said) != captured
