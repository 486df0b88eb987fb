from detector.evidence.rules import name_mismatch
from detector.lab.pki import LabPki
from tests.conftest import Observe
from tests.evidence.conftest import Ask


def test_the_names_that_would_match_are_shown(pki: LabPki, observe: Observe, ask: Ask) -> None:
    names = ("b.com", "c.com", "d.com", "e.com")
    found = ask(name_mismatch, observe("a.com", pki.issue(*names)))
    assert found is not None
    assert found.text.endswith("it names b.com, c.com, d.com and 1 more.")


def test_the_right_name_is_no_finding(pki: LabPki, observe: Observe, ask: Ask) -> None:
    assert ask(name_mismatch, observe("x.b.com", pki.issue("*.b.com"))) is None
