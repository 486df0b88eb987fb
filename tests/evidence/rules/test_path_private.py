from detector.evidence.rules import path_private
from detector.lab.pki import Authority, LabPki
from tests.conftest import Observe
from tests.evidence.conftest import Ask


def test_a_root_nobody_knows_is_named(corporate: Authority, observe: Observe, ask: Ask) -> None:
    leaf = corporate.issue("example.com")
    found = ask(path_private, observe("example.com", (leaf.der, corporate.der)))
    assert found is not None
    assert (found.points, found.strength) == ("intercepted", "strong")
    assert "Example Corp CA" in found.text


def test_it_does_not_apply_without_the_root_nor_on_public_paths(
    corporate: Authority, pki: LabPki, observe: Observe, ask: Ask
) -> None:
    assert ask(path_private, observe("example.com", corporate.issue("example.com"))) is None
    assert ask(path_private, observe("example.com", pki.issue("example.com"))) is None
