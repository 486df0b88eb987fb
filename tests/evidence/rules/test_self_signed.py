import trustme
from cryptography.hazmat.primitives.serialization import Encoding

from detector.evidence.rules import self_signed
from detector.lab.pki import Authority
from tests.conftest import Observe
from tests.evidence.conftest import Ask


def test_a_leaf_that_signed_itself_is_weak_evidence(observe: Observe, ask: Ask) -> None:
    own = Authority("router.example.com").der
    found = ask(self_signed, observe("router.example.com", [own]))
    assert found is not None
    assert (found.points, found.strength) == ("intercepted", "weak")


def test_on_a_router_it_is_nothing(observe: Observe, ask: Ask) -> None:
    found = ask(self_signed, observe("192.168.1.1", [Authority("router").der]))
    assert found is not None
    assert found.points == "neutral"


def test_a_leaf_under_a_ca_is_not_self_signed(observe: Observe, ask: Ask) -> None:
    authority = trustme.CA()
    leaf = authority.issue_cert("example.com").cert_chain_pems[0].bytes()
    from cryptography import x509

    der = x509.load_pem_x509_certificate(leaf).public_bytes(Encoding.DER)
    assert ask(self_signed, observe("example.com", [der])) is None
