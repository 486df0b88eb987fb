from detector.chain.certificate import Certificate
from detector.evidence.rules import route_differs
from detector.known.knowledge import Baseline
from detector.lab.pki import Authority, LabPki
from tests.conftest import NOW, Observe
from tests.evidence.conftest import Ask


def direct(*chain: bytes, public: bool = True) -> Baseline:
    leaf, issuer = Certificate(chain[0]), Certificate(chain[1])
    return Baseline("direct", public, leaf.spki_sha256, issuer.spki_sha256, "TLSv1.3", "h2", NOW)


def test_a_private_chain_where_the_direct_route_shows_a_public_one(
    pki: LabPki, corporate: Authority, observe: Observe, ask: Ask
) -> None:
    base = direct(*pki.issue("a.com").chain)
    found = ask(route_differs, observe("a.com", corporate.issue("a.com")), baseline=base)
    assert found is not None
    assert found.strength == "strong"


def test_another_leaf_of_the_same_issuer_is_a_second_server(
    pki: LabPki, observe: Observe, ask: Ask
) -> None:
    base = direct(*pki.issue("a.com").chain)
    shown = observe("a.com", pki.issue("a.com", logs=()))
    assert ask(route_differs, shown, baseline=base) is None


def test_another_public_ca_is_weak(pki: LabPki, observe: Observe, ask: Ask) -> None:
    base = direct(*pki.issue("a.com").chain)
    second = Authority("Second CA", parent=pki.root)
    found = ask(route_differs, observe("a.com", second.issue("a.com")), baseline=base)
    assert found is not None
    assert found.strength == "weak"


def test_a_private_direct_route_proves_nothing(
    pki: LabPki, corporate: Authority, observe: Observe, ask: Ask
) -> None:
    base = direct(*pki.issue("a.com").chain, public=False)
    assert ask(route_differs, observe("a.com", corporate.issue("a.com")), baseline=base) is None
