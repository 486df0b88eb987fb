from datetime import date

from detector.evidence.rules import path_private
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from tests.conftest import Observe
from tests.evidence.conftest import Ask
from tests.evidence.rules.test_path_public import ending


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


def test_a_root_that_is_public_no_more_is_named_with_its_end(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    seen = observe("a.example", corporate.issue("a.example"))
    knowledge = ending(known, corporate, until=date(2020, 1, 1), owner="Example & Co")
    found = ask(path_private, seen, knowledge)
    assert found is not None
    assert "public no more" in found.text
    assert "Example & Co was distrusted, and the leaf is not from before 2020-01-01" in found.text
    assert found.details["source"] == "here"
