from dataclasses import replace
from datetime import date

from detector.chain.anchors import TrustAnchors
from detector.chain.root_table import RootTable
from detector.evidence.rules import path_local_root
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority
from tests.conftest import Observe
from tests.evidence.conftest import Ask


def test_a_root_that_only_this_machine_trusts_is_its_own_finding(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    knowledge = replace(known, local=TrustAnchors((corporate.der,), "test store"))
    found = ask(
        path_local_root, observe("a.example.com", corporate.issue("a.example.com")), knowledge
    )
    assert found is not None
    assert (found.points, found.details["store"]) == ("intercepted", "test store")


def test_on_an_internal_name_it_is_expected(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    knowledge = replace(known, local=TrustAnchors((corporate.der,), "test store"))
    found = ask(path_local_root, observe("wiki.corp", corporate.issue("wiki.corp")), knowledge)
    assert found is not None
    assert found.points == "neutral"


def test_a_root_added_to_the_public_ones_is_said_with_how_many_were(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    added = TrustAnchors((corporate.der, Authority("Another").der), "certifi 2026.10.18")
    table = RootTable({}, [], date(2026, 10, 18))
    knowledge = replace(known, listed=lambda: table, added=added)
    seen = observe("a.example.com", corporate.issue("a.example.com"))
    found = ask(path_local_root, seen, knowledge)
    assert found is not None
    assert "added to certifi 2026.10.18" in found.text
    assert "2 never were in a public program" in found.text
    assert (found.points, found.strength, found.details["added"]) == ("intercepted", "strong", 2)
