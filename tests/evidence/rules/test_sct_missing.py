from datetime import UTC, datetime

from detector.evidence.rules import sct_missing
from detector.lab.pki import Authority, LabPki
from tests.conftest import Observe
from tests.evidence.conftest import Ask


def test_a_public_leaf_without_scts_is_remarkable(pki: LabPki, observe: Observe, ask: Ask) -> None:
    found = ask(sct_missing, observe("a.example", pki.issue("a.example", logs=())))
    assert found is not None
    assert found.strength == "weak"


def test_before_may_2018_nobody_asked_for_them(pki: LabPki, observe: Observe, ask: Ask) -> None:
    old = pki.issue("a.example", logs=(), start=datetime(2017, 1, 1, tzinfo=UTC))
    assert ask(sct_missing, observe("a.example", old)) is None


def test_private_cas_owe_none(corporate: Authority, observe: Observe, ask: Ask) -> None:
    assert ask(sct_missing, observe("a.example", corporate.issue("a.example"))) is None
