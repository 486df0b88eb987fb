from dataclasses import replace
from datetime import date

from detector.chain.anchors import TrustAnchors
from detector.chain.certificate import Certificate
from detector.chain.root_table import RootEnd, RootTable
from detector.evidence.rules import path_local_root, path_private, root_undecided
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority
from tests.conftest import Observe
from tests.evidence.conftest import Ask

MADE = date(2026, 10, 18)


def test_a_root_newer_than_the_table_is_said_to_be_so(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    digest = Certificate(corporate.der).sha256
    knowledge = replace(
        known,
        local=TrustAnchors((corporate.der,), "machine"),
        listed=lambda: RootTable({}, [], MADE),
        vouched=lambda: frozenset({digest}),
    )
    seen = observe("a.example.com", corporate.issue("a.example.com"))
    found = ask(root_undecided, seen, knowledge)
    assert found is not None
    assert (found.points, found.strength) == ("intercepted", "weak")
    assert "newer than the table" in found.text
    assert ask(path_local_root, seen, knowledge) is None


def test_so_is_an_end_that_nobody_dates(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    digest = Certificate(corporate.der).sha256
    end = RootEnd("unknown", "the last list that has it", (digest,), seen=date(2020, 1, 1))
    knowledge = replace(
        known,
        public=TrustAnchors((corporate.der,), "certifi"),
        listed=lambda: RootTable({digest: "Root"}, [end], MADE),
    )
    seen = observe("a.example.com", corporate.issue("a.example.com"))
    found = ask(root_undecided, seen, knowledge)
    assert found is not None
    assert "Nobody here knows" in found.text
    assert ask(path_private, seen, knowledge) is None


def test_nothing_is_said_where_the_root_is_known(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    assert ask(root_undecided, observe("a.example.com", corporate.issue("a.example.com"))) is None
