from detector.evidence.rules import path_incomplete
from detector.lab.pki import Authority, LabPki
from tests.chain.resigning import joined, resigned
from tests.conftest import Observe
from tests.evidence.conftest import Ask


def test_the_missing_issuer_is_named(corporate: Authority, observe: Observe, ask: Ask) -> None:
    found = ask(path_incomplete, observe("example.com", corporate.issue("example.com")))
    assert found is not None
    assert found.strength == "weak"
    assert found.details["issuer"].startswith("CN=Example Corp CA")


def test_a_whole_chain_misses_nothing(pki: LabPki, observe: Observe, ask: Ask) -> None:
    assert ask(path_incomplete, observe("example.com", pki.issue("example.com"))) is None


def test_a_signature_that_nobody_here_can_check_is_said_in_words(
    corporate: Authority, observe: Observe, ask: Ask
) -> None:
    odd = joined(0x30, [bytes.fromhex("060a2b0601040182da4b2f00")])
    leaf = resigned(
        corporate.issue("example.com").der, corporate, lambda f: [*f[:2], odd, *f[3:]], odd
    )
    found = ask(path_incomplete, observe("example.com", [leaf]))
    assert found is not None
    assert "a Merkle Tree Certificate proof, which cannot be checked here" in found.text
