from detector.evidence.examination import Examination
from detector.evidence.rules import canaries_clean
from detector.evidence.sharing import Sharing
from detector.judging.judge import judge_examined
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Observation
from tests.conftest import Observe


def hear(sharing: Sharing, canary: Observation, known: Knowledge) -> None:
    sharing.hear(canary, Examination(canary, known))


def test_clean_canaries_are_told_and_lower_no_verdict(
    pki: LabPki, corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    sharing = Sharing()
    for host in ("github.com", "www.google.com"):
        hear(sharing, observe(host, pki.issue(host)), known)
    seen = Examination(observe("a.com", (corporate.issue("a.com").der, corporate.der)), known)
    found = canaries_clean.find(seen, sharing)
    assert found is not None
    assert "this host alone" in found.text
    assert judge_examined(seen, sharing).verdict == judge_examined(seen, Sharing()).verdict
    public = Examination(observe("b.org", pki.issue("b.org")), known)
    assert canaries_clean.find(public, sharing) is None
    assert canaries_clean.find(seen, Sharing()) is None
