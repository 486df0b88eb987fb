from dataclasses import replace

from detector.chain.anchors import TrustAnchors
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
