"""The store of this machine is asked for what this machine itself saw."""

from __future__ import annotations

from dataclasses import replace

import pytest

from detector.causes.clues import Clues
from detector.causes.rules.client_lacks_ca import find
from detector.chain.anchors import TrustAnchors
from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.lab.pki import LabPki
from detector.model.inquiry import Inquiry
from tests.conftest import Observe


@pytest.mark.parametrize("captured", [False, True])
def test_of_a_captures_clients_the_store_is_not_known(
    captured: bool, lab_known: Knowledge, pki: LabPki, observe: Observe
) -> None:
    known = replace(lab_known, local=TrustAnchors((), "an empty store"))
    seen = observe("a.com", pki.issue("a.com"), captured=captured)
    (judgement,) = judge_all([seen], known)
    assert (find(Clues(Inquiry(seen), known, judgement)) is None) == captured
