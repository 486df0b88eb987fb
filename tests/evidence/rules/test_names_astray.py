from detector.evidence.examination import Examination
from detector.evidence.rules import names_astray
from detector.evidence.sharing import Sharing
from detector.judging.judge import judge_examined
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority
from detector.model.observation import Failure, Observation, Target
from tests.conftest import NOW, Observe


def test_where_a_canary_is_led_astray_an_inner_address_excuses_nothing(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    refused = Failure("tcp", "connection-refused", "refused")
    canary = Observation(NOW, Target("github.com", ip="10.66.0.1"), failure=refused)
    sharing = Sharing()
    sharing.hear(canary, None)

    def at(host: str, ip: str) -> Examination:
        chain = (corporate.issue(host).der, corporate.der)
        return Examination(observe(host, chain, target=Target(host, sni=host, ip=ip)), known)

    seen = at("steam.com", "10.66.0.9")
    assert names_astray.find(seen, sharing) is not None
    assert judge_examined(seen, Sharing()).verdict == "private"
    assert judge_examined(seen, sharing).verdict == "suspect"
    for other in (at("steam.com", "8.8.8.8"), at("wiki.corp", "10.66.0.9")):
        assert names_astray.find(other, sharing) is None
