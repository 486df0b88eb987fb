from detector.evidence.rules import sct_invalid
from detector.lab.ct_log import LabLog
from detector.lab.pki import Authority, LabPki, sct_list
from tests.conftest import Observe
from tests.evidence.conftest import Ask


class Liar(LabLog):
    """Bears another log's id, as an SCT list copied from elsewhere does."""

    def __init__(self, victim: LabLog) -> None:
        super().__init__("liar")
        self.log_id = victim.log_id


def test_a_known_logs_name_without_its_signature_is_strong(
    pki: LabPki, observe: Observe, ask: Ask
) -> None:
    leaf = pki.issue("a.example", logs=[Liar(pki.logs[0])])
    found = ask(sct_invalid, observe("a.example", leaf))
    assert found is not None
    assert (found.points, found.strength) == ("intercepted", "strong")


def test_an_unknown_log_says_nothing(pki: LabPki, observe: Observe, ask: Ask) -> None:
    leaf = pki.issue("a.example", logs=[LabLog("unheard of")])
    found = ask(sct_invalid, observe("a.example", leaf))
    assert found is not None
    assert (found.points, found.strength) == ("neutral", "weak")


def test_one_valid_sct_excuses_the_others(pki: LabPki, observe: Observe, ask: Ask) -> None:
    leaf = pki.issue("a.example", logs=[Liar(pki.logs[0]), pki.logs[1]])
    assert ask(sct_invalid, observe("a.example", leaf)) is None


def test_a_missing_issuer_makes_no_forgery(pki: LabPki, observe: Observe, ask: Ask) -> None:
    other = Authority("Unsent", logs=pki.logs)
    assert ask(sct_invalid, observe("a.example", other.issue("a.example"))) is None


def test_a_stale_list_beside_the_leaf_is_weak(pki: LabPki, observe: Observe, ask: Ask) -> None:
    leaf, before = (pki.issue("a.example", logs=()) for _ in range(2))
    stale = sct_list([pki.logs[0].sign_certificate(before.der)])
    found = ask(sct_invalid, observe("a.example", leaf, scts=stale))
    assert found is not None
    assert (found.points, found.strength) == ("intercepted", "weak")


def test_a_valid_sct_beside_the_leaf_excuses_those_in_it(
    pki: LabPki, observe: Observe, ask: Ask
) -> None:
    leaf = pki.issue("a.example", logs=[Liar(pki.logs[0])])
    scts = sct_list([pki.logs[1].sign_certificate(leaf.der)])
    assert ask(sct_invalid, observe("a.example", leaf, scts=scts)) is None
