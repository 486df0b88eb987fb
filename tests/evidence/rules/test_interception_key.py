from dataclasses import replace

from detector.chain.certificate import Certificate
from detector.evidence.rules import interception_key
from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority
from tests.conftest import Observe
from tests.evidence.conftest import Ask


def test_a_key_on_chromes_list_makes_one_private_chain_interception(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    seen = observe("a.com", (*corporate.issue("a.com").chain, corporate.der))
    listed = replace(known, interception=frozenset((Certificate(corporate.der).spki_sha256,)))
    assert judge_all([seen], known)[0].verdict == "suspect"
    found = ask(interception_key, seen, listed)
    assert found is not None
    assert found.strength == "strong"
    assert judge_all([seen], listed)[0].verdict == "intercepted"
    assert ask(interception_key, seen, known) is None
