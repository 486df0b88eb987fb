"""Clues from an inquiry of one's choice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from detector.causes.clues import Clues
from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.lab.pki import LabPki
from detector.model.inquiry import Inquiry

MakeClues = Callable[..., Clues]


@pytest.fixture
def lab_known(pki: LabPki) -> Knowledge:
    """Everything about the lab's world, special-use names being public ones."""
    return pki.knowledge()


@pytest.fixture
def clues(lab_known: Knowledge) -> MakeClues:
    def make(inquiry: Inquiry) -> Clues:
        (judgement,) = judge_all([inquiry.observation], lab_known)
        return Clues(inquiry, lab_known, judgement)

    return make
