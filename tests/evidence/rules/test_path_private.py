from datetime import date

from cryptography.hazmat.primitives.asymmetric import rsa

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
    assert "Example & Co was distrusted, and the leaf is from after 2020-01-01" in found.text
    assert found.details["source"] == "here"


def test_so_is_one_whose_key_is_too_short_by_now(
    known: Knowledge, observe: Observe, ask: Ask
) -> None:
    weak = Authority("Weak Root", key=rsa.generate_private_key(65537, 1024), profile=False)
    seen = observe("a.example", weak.issue("a.example"))
    found = ask(path_private, seen, ending(known, weak, until=date(2099, 1, 1)))
    assert found is not None
    assert "its key, or a signature below it, is too weak by now" in found.text
