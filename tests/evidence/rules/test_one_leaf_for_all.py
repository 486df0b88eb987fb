from detector.evidence.rules import one_leaf_for_all
from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority
from tests.conftest import Observe
from tests.evidence.conftest import Ask

HOSTS = ("www.google.com", "github.com", "www.apple.com")


def test_one_certificate_for_all_that_names_none_is_a_portal_not_an_interceptor(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    page = corporate.issue("portal.hotel.com")
    seen = [observe(host, (page.der, corporate.der)) for host in HOSTS]
    found = ask(one_leaf_for_all, seen[0], beside=tuple(seen[1:]))
    assert found is not None
    assert (found.strength, found.details["hosts"]) == ("weak", list(HOSTS[1:]))
    for judgement in judge_all(seen, known):
        assert judgement.verdict == "suspect"
        assert "captive-portal" in {cause.id for cause in judgement.causes}
        assert "Log in" in judgement.next_step


def test_a_default_site_of_one_host_and_a_leaf_that_names_it_are_none(
    corporate: Authority, observe: Observe, ask: Ask
) -> None:
    page = corporate.issue("portal.hotel.com")
    one = observe("a.com", (page.der, corporate.der))
    related = observe("www.a.com", (page.der, corporate.der))
    named = observe("portal.hotel.com", (page.der, corporate.der))
    assert ask(one_leaf_for_all, one, beside=(related,)) is None
    assert ask(one_leaf_for_all, named, beside=(one,)) is None
