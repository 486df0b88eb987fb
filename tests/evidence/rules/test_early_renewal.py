from datetime import timedelta

from msgspec.structs import replace

from detector.chain.certificate import Certificate
from detector.evidence.rules import early_renewal
from detector.known.knowledge import Baseline
from detector.lab.pki import LabPki
from tests.conftest import NOW, Observe
from tests.evidence.conftest import Ask

BEFORE = Baseline(
    "recorded", True, "0" * 64, None, None, None, NOW - timedelta(days=3), True,
    NOW - timedelta(days=10), NOW + timedelta(days=80),
)  # fmt: skip


def test_another_key_in_the_first_half_of_a_leafs_life_is_shown_and_decides_nothing(
    pki: LabPki, observe: Observe, ask: Ask
) -> None:
    found = ask(early_renewal, observe("a.com", pki.issue("a.com")), baseline=BEFORE)
    assert found is not None
    assert (found.strength, found.details["days_left"]) == ("weak", 80)


def test_a_late_renewal_the_same_key_and_an_unknown_life_are_silent(
    pki: LabPki, observe: Observe, ask: Ask
) -> None:
    leaf = pki.issue("a.com")
    seen = observe("a.com", leaf)
    late = replace(BEFORE, issued=NOW - timedelta(days=60), expires=NOW + timedelta(days=30))
    same = replace(BEFORE, leaf_spki_sha256=Certificate(leaf.der).spki_sha256)
    for base in (late, same, replace(BEFORE, issued=None), replace(BEFORE, source="direct"), None):
        assert ask(early_renewal, seen, baseline=base) is None
