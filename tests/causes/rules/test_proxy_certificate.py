from detector.causes.rules.proxy_certificate import find
from detector.model.inquiry import Inquiry, Trial
from detector.model.observation import Failure, ProxyAnswer, Route
from tests.causes.conftest import MakeClues
from tests.conftest import Observe


def test_it_is_found_by_its_fault_with_what_the_way_past_it_shows(
    clues: MakeClues, observe: Observe
) -> None:
    failure = Failure("proxy", "proxy-certificate", "it failed", proxy=ProxyAnswer("certificate"))
    route = Route("http-connect", "p.net:3128")
    seen = observe("a.com", (), handshake=None, route=route, failure=failure)
    found = find(clues(Inquiry(seen, direct=Trial("plain", "answered"))))
    assert found is not None
    assert (found.party, found.evidence) == ("network", ("Past the proxy, a hello is answered.",))
    assert "p.net:3128" in found.fix


def test_it_is_found_where_only_the_cause_is_known(clues: MakeClues, observe: Observe) -> None:
    failure = Failure("proxy", "proxy-certificate", "it failed")
    found = find(clues(Inquiry(observe("a.com", (), handshake=None, failure=failure))))
    assert found is not None
    assert found.text == "It failed."


def test_another_failure_is_another_cause(clues: MakeClues, observe: Observe) -> None:
    failure = Failure("proxy", "proxy-refused", "it failed")
    assert find(clues(Inquiry(observe("a.com", (), handshake=None, failure=failure)))) is None
