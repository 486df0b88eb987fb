from detector.evidence.rules import sct_verified
from detector.lab.ca_service import staple
from detector.lab.pki import LabPki, sct_extension, sct_list
from detector.model.observation import Handshake
from tests.conftest import Observe
from tests.evidence.conftest import Ask


def test_a_valid_sct_with_a_completed_handshake_is_proof(
    pki: LabPki, observe: Observe, ask: Ask
) -> None:
    found = ask(sct_verified, observe("a.example", pki.issue("a.example")))
    assert found is not None
    assert (found.points, found.strength) == ("direct", "proof")
    assert found.details["logs"] == ["Lab log one", "Lab log two"]


def test_without_the_handshake_nobody_has_shown_the_key(
    pki: LabPki, observe: Observe, ask: Ask
) -> None:
    for handshake in (None, Handshake(completed=False)):
        shown = observe("a.example", pki.issue("a.example"), handshake=handshake)
        found = ask(sct_verified, shown)
        assert found is not None
        assert found.strength == "strong"


def test_a_leaf_without_scts_does_not_apply(pki: LabPki, observe: Observe, ask: Ask) -> None:
    assert ask(sct_verified, observe("a.example", pki.issue("a.example", logs=()))) is None


def test_it_is_told_where_the_scts_came(pki: LabPki, observe: Observe, ask: Ask) -> None:
    leaf = pki.issue("a.example", logs=pki.logs[:1])
    sct = pki.logs[1].sign_certificate(leaf.der)
    response = staple(pki.intermediate, leaf, sct_extension([sct]))
    found = ask(sct_verified, observe("a.example", leaf, scts=sct_list([sct]), ocsp=response))
    assert found is not None
    assert found.details["sources"] == ["certificate", "tls-extension", "ocsp-staple"]


def test_the_issuer_need_not_be_known_where_the_leaf_itself_is_signed(
    pki: LabPki, observe: Observe, ask: Ask
) -> None:
    leaf = pki.issue("a.example", logs=())
    scts = sct_list([pki.logs[1].sign_certificate(leaf.der)])
    assert ask(sct_verified, observe("a.example", (leaf.der,), scts=scts)) is not None
