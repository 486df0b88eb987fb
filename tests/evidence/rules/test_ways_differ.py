import pytest

from detector.evidence.rules import ways_differ
from detector.lab.pki import Authority, Credential, LabPki
from detector.model.observation import OtherWay, Way
from tests.conftest import Observe
from tests.evidence.conftest import Ask


@pytest.fixture(scope="module")
def genuine(pki: LabPki) -> Credential:
    return pki.issue("a.example")


def by(way: Way, *chain: bytes) -> OtherWay:
    return OtherWay(way, "2001:db8::1", chain)


@pytest.mark.parametrize("sent", [1, 2])  # many forgers send their leaf alone
@pytest.mark.parametrize("way", ["ipv4", "ipv6", "http3"])
def test_a_public_chain_by_another_way_alone_is_told_and_decides_nothing(
    corporate: Authority, genuine: Credential, observe: Observe, ask: Ask, way: Way,
    sent: int,
) -> None:  # fmt: skip
    forged = (corporate.issue("a.example").der, corporate.der)[:sent]
    seen = observe("a.example", forged, other_ways=(by(way, *genuine.chain),))
    found = ask(ways_differ, seen)
    assert found is not None
    assert (found.points, found.strength) == ("intercepted", "weak")
    assert found.details == {"public_here": False, "ways": {way: "2001:db8::1"}}
    reverse = ask(ways_differ, observe("a.example", genuine, other_ways=(by(way, *forged),)))
    assert reverse is not None
    assert reverse.details["public_here"]


def test_two_public_chains_may_differ(
    pki: LabPki, genuine: Credential, observe: Observe, ask: Ask
) -> None:
    other = pki.issue("a.example")
    seen = observe("a.example", genuine, other_ways=(by("ipv6", *other.chain),))
    assert ask(ways_differ, seen) is None


@pytest.mark.parametrize("chain", [(), (b"no certificate",), (b"0\x80",)])
def test_what_cannot_be_read_says_nothing(
    genuine: Credential, observe: Observe, ask: Ask, chain: tuple[bytes, ...]
) -> None:
    assert ask(ways_differ, observe("a.example", genuine, other_ways=(by("ipv6", *chain),))) is None


def test_a_forgotten_intermediate_is_no_other_chain(
    genuine: Credential, observe: Observe, ask: Ask
) -> None:
    alone = by("ipv6", genuine.der)
    assert ask(ways_differ, observe("a.example", genuine, other_ways=(alone,))) is None
    ours = observe("a.example", (genuine.der,), other_ways=(by("ipv6", *genuine.chain),))
    assert ask(ways_differ, ours) is None


def test_one_way_alone_differs_from_nothing(
    genuine: Credential, observe: Observe, ask: Ask
) -> None:
    assert ask(ways_differ, observe("a.example", genuine)) is None
