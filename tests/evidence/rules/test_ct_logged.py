from dataclasses import replace

from detector.chain.anchors import TrustAnchors
from detector.evidence.rules import ct_logged
from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.model.observation import Handshake
from tests.conftest import Observe
from tests.ct.test_proving import logged
from tests.evidence.conftest import Ask


def test_a_log_that_holds_the_leaf_is_proof(ask: Ask, known: Knowledge, observe: Observe) -> None:
    seen = logged(tiled=True)
    roots = TrustAnchors((seen.issuer.der,), "lab")
    knowledge = replace(known, logs={seen.log.log_id: seen.log.known()}, public=roots, lab=True)
    proof = seen.prove()
    observation = observe("a.test", (seen.leaf.der, seen.issuer.der), inclusion=(proof,))
    found = ask(ct_logged, observation, knowledge)
    assert found is not None
    assert (found.strength, found.details["index"]) == ("proof", 300)
    (judgement,) = judge_all([observation], knowledge)
    assert (judgement.verdict, judgement.evidence[0].id) == ("direct", "ct-logged")
    # Without the log's key, without a handshake, with another leaf's proof: no proof.
    assert ask(ct_logged, observation, known) is None
    unproven = replace(observation, handshake=Handshake(False))
    found = ask(ct_logged, unproven, knowledge)
    assert found is not None
    assert found.strength == "strong"
    other = replace(observation, inclusion=(logged(tiled=True).prove(),))
    assert ask(ct_logged, other, knowledge) is None


def test_a_leaf_without_a_proof_has_no_such_evidence(ask: Ask, observe: Observe) -> None:
    seen = logged(tiled=False)
    assert ask(ct_logged, observe("a.test", (seen.leaf.der, seen.issuer.der))) is None
