"""A certificate that depends on SNI, and one that does not."""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs

from detector.causes.rules.sni_mismatch import find
from detector.lab.pki import LabPki
from detector.model.inquiry import Inquiry, Trial
from tests.causes.conftest import MakeClues
from tests.conftest import Observe


def test_without_sni_the_right_certificate_is_no_mismatch(
    clues: MakeClues, pki: LabPki, observe: Observe
) -> None:
    right, other = pki.issue("a.com"), pki.issue("b.com")
    named = Trial("with-sni", "answered", version=0x0304, chain=right.chain)
    for shown, severity in ((right, None), (other, "error")):
        seen = observe("a.com", shown)
        seen = replace(seen, target=replace(seen.target, sni=None))
        found = find(clues(Inquiry(seen, {"with-sni": named})))
        assert (found.severity if found else None) == severity


def test_a_default_site_is_only_noted_where_sni_was_sent(
    clues: MakeClues, pki: LabPki, observe: Observe
) -> None:
    right, other = pki.issue("a.com"), pki.issue("b.com")
    trials = {
        "plain": Trial("plain", "answered", version=0x0304, chain=right.chain),
        "no-sni": Trial("no-sni", "answered", version=0x0304, chain=other.chain),
    }
    found = find(clues(Inquiry(observe("a.com", right), trials)))
    assert found is not None
    assert found.severity == "note"
    same = {**trials, "no-sni": structs.replace(trials["no-sni"], chain=right.chain)}
    assert find(clues(Inquiry(observe("a.com", right), same))) is None
