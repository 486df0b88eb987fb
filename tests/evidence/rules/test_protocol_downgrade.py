from detector.evidence.rules import protocol_downgrade
from detector.known.knowledge import Baseline
from detector.lab.pki import LabPki
from detector.model.observation import Handshake
from tests.conftest import NOW, Observe
from tests.evidence.conftest import Ask

BASE = Baseline("recorded", True, "0" * 64, None, "TLSv1.3", "h2", NOW)


def test_lost_features_are_listed(pki: LabPki, observe: Observe, ask: Ask) -> None:
    shown = observe("a.com", pki.issue("a.com"), handshake=Handshake(True, "TLSv1.2"))
    found = ask(protocol_downgrade, shown, baseline=BASE)
    assert found is not None
    assert found.strength == "weak"
    assert found.details["lost"] == ["TLSv1.3 became TLSv1.2", "h2 became no ALPN"]


def test_the_same_features_lose_nothing(pki: LabPki, observe: Observe, ask: Ask) -> None:
    shown = observe("a.com", pki.issue("a.com"))
    assert ask(protocol_downgrade, shown, baseline=BASE) is None
    assert ask(protocol_downgrade, shown) is None
