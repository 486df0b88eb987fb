"""A certificate is for other names only where a name was asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from detector.causes.rules.hostname_mismatch import find
from detector.lab.pki import LabPki
from detector.model.inquiry import Inquiry
from tests.causes.conftest import MakeClues
from tests.conftest import Observe


@pytest.mark.parametrize(
    ("captured", "sni", "ip", "named"),
    [
        (False, "a.com", "192.0.2.1", True),
        (False, None, "192.0.2.1", True),  # whoever probes an address wants that address
        (True, "a.com", "192.0.2.1", True),
        (True, None, None, True),  # a proxy was asked for it
        (True, None, "192.0.2.1", False),
    ],
)
def test_in_a_capture_a_name_is_sni_or_a_proxys_target(
    captured: bool, sni: str | None, ip: str | None, named: bool,
    clues: MakeClues, pki: LabPki, observe: Observe,
) -> None:  # fmt: skip
    seen = observe("a.com", pki.issue("b.com"), captured=captured)
    seen = replace(seen, target=replace(seen.target, sni=sni, ip=ip))
    found = find(clues(Inquiry(seen)))
    assert (found is not None) == named
    judged = clues(Inquiry(seen)).judgement
    assert ("hostname-mismatch" in [cause.id for cause in judged.causes]) == named
    assert judged.verdict == ("suspect" if named else "consistent")
