"""An issuer that was sent and did not sign: shown, not presumed."""

from __future__ import annotations

from detector.causes.unsigned import unsigned_below
from detector.evidence.examination import Examination
from detector.known.knowledge import Knowledge
from detector.lab.pki import LabPki
from tests.conftest import Observe


def test_only_a_refuted_signature_under_the_same_name_counts(
    lab_known: Knowledge, pki: LabPki, observe: Observe
) -> None:
    leaf, above = pki.issue("a.com").der, pki.intermediate.der
    broken = leaf[:-1] + bytes((leaf[-1] ^ 1,))

    def found(*chain: bytes) -> object:
        return unsigned_below(Examination(observe("a.com", chain), lab_known))

    assert found(leaf, above) is None
    assert found(leaf) is None
    assert found(broken) is None
    pair = unsigned_below(Examination(observe("a.com", (broken, above)), lab_known))
    assert pair is not None
    assert [one.der for one in pair] == [broken, above]
