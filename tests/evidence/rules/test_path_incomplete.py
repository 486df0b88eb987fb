from detector.evidence.rules import path_incomplete
from detector.lab.pki import Authority, LabPki
from tests.conftest import Observe
from tests.evidence.conftest import Ask


def test_the_missing_issuer_is_named(corporate: Authority, observe: Observe, ask: Ask) -> None:
    found = ask(path_incomplete, observe("example.com", corporate.issue("example.com")))
    assert found is not None
    assert found.strength == "weak"
    assert found.details["issuer"].startswith("CN=Example Corp CA")


def test_a_whole_chain_misses_nothing(pki: LabPki, observe: Observe, ask: Ask) -> None:
    assert ask(path_incomplete, observe("example.com", pki.issue("example.com"))) is None
