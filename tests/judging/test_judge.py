import pytest

from detector.chain.certificate import Certificate
from detector.judging.docket import Docket
from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Failure
from tests.conftest import Observe


def test_no_certificate_is_inconclusive_and_says_why(known: Knowledge, observe: Observe) -> None:
    failure = Failure("tcp", "connection-refused", "a.com:443 refuses the connection")
    seen = observe("a.com", [], handshake=None, failure=failure)
    (found,) = judge_all([seen], known)
    assert found.verdict == "inconclusive"
    assert found.summary == "Inconclusive: a.com:443 refuses the connection"
    assert [c.id for c in found.causes] == ["connection-refused"]


def test_a_leaf_that_is_junk_is_inconclusive(known: Knowledge, observe: Observe) -> None:
    (found,) = judge_all([observe("a.com", [b"\x30\x03junk"], handshake=None)], known)
    assert (found.verdict, found.causes[0].id) == ("inconclusive", "malformed-certificate")


def test_a_leaf_that_is_junk_is_suspect_where_the_handshake_was_completed(
    known: Knowledge, observe: Observe
) -> None:
    (found,) = judge_all([observe("a.com", [b"\x30\x03junk"])], known)
    assert (found.verdict, found.causes[0].id) == ("suspect", "malformed-certificate")


def test_what_a_later_observation_shares_changes_the_first(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    one = observe("a.com", corporate.issue("a.com"))
    two = observe("github.com", corporate.issue("github.com"))
    assert [j.verdict for j in judge_all([one], known)] == ["suspect"]
    assert [j.verdict for j in judge_all([one, two], known)] == ["intercepted"] * 2


def test_judging_twice_gives_the_same_judgement(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    seen = observe("a.com", pki.issue("a.com"))
    assert judge_all([seen], known) == judge_all([seen], known)


@pytest.mark.parametrize("name", ["EKU", "SAN", "BC", "KU", "AKI", "SCT"])
def test_a_leaf_whose_fields_break_their_grammar_is_judged_not_raised(
    pki: LabPki, known: Knowledge, observe: Observe, name: str
) -> None:
    leaf = pki.issue("a.com").der
    value = Certificate(leaf).extension(name)
    assert value is not None
    broken = leaf.replace(value, b"\xff" * len(value))
    for chain in ([broken, pki.intermediate.der], [broken], [leaf, broken]):
        seen = observe("a.com", chain)
        (found,) = judge_all([seen], known)
        assert found.verdict == "suspect"
        docket: Docket[None] = Docket(known)
        assert len([*docket.add(None, seen), *docket.rest()]) == 1
