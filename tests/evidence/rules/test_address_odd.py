from detector.evidence.rules import address_odd
from detector.lab.pki import LabPki
from detector.model.observation import Target
from tests.conftest import Observe
from tests.evidence.conftest import Ask


def test_a_canary_at_an_inner_address_is_odd_and_a_private_name_there_is_not(
    pki: LabPki, observe: Observe, ask: Ask
) -> None:
    def at(host: str, ip: str, *, given: bool = False) -> bool:
        target = Target(host, sni=host, ip=ip, pinned_address=given)
        return ask(address_odd, observe(host, pki.issue(host), target=target)) is not None

    assert [
        at("github.com", ip) for ip in ("10.0.0.1", "127.0.0.1", "198.18.0.7", "100.64.0.1")
    ] == [True] * 4
    assert not at("github.com", "8.8.8.8")
    assert not at("wiki.corp.com", "10.0.0.1")
    assert not at("github.com", "127.0.0.1", given=True), "the user sent it there"
