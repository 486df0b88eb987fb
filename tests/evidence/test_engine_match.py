from cryptography.hazmat.primitives.asymmetric import rsa

from detector.chain.shape import ShapeRule
from detector.evidence import engine_match
from detector.evidence.known import Engine, Knowledge
from detector.lab.pki import Authority, LabPki
from tests.conftest import Observe
from tests.evidence.conftest import Ask


def test_honest_leaves_match_no_engine(
    pki: LabPki, corporate: Authority, observe: Observe, ask: Ask
) -> None:
    rsa_ca = Authority("RSA CA", key=rsa.generate_private_key(65537, 2048), profile=False)
    rsa_key = rsa.generate_private_key(65537, 2048)
    for shown in (
        pki.issue("a.com"),
        pki.issue("a.com", logs=()),
        corporate.issue("a.com", days=365),
        rsa_ca.issue("a.com", days=366, key=rsa_key),
        [rsa_ca.issue("a.com", days=730, key=rsa_key).der, rsa_ca.der],
    ):
        assert ask(engine_match, observe("a.com", shown)) is None


def test_a_valid_sct_clears_any_shape(
    pki: LabPki, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    from dataclasses import replace

    anything = Engine("any", "anything", "test", "test", (ShapeRule(),))
    knowledge = replace(known, engines=(anything,))
    assert ask(engine_match, observe("a.com", pki.issue("a.com")), knowledge) is None
    bare = observe("a.com", pki.issue("a.com", logs=()))
    assert ask(engine_match, bare, knowledge) is not None
