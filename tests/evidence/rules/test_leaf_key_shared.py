from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import ec

from detector.evidence.rules import leaf_key_shared
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Observation, Target
from tests.conftest import Observe
from tests.evidence.conftest import Ask

KEY = ec.generate_private_key(ec.SECP256R1())


def at(observation: Observation, ip: str) -> Observation:
    host = observation.target.host
    return replace(observation, target=Target(host, ip=ip, sni=host))


def test_one_key_on_two_unrelated_hosts_is_strong(
    corporate: Authority, observe: Observe, ask: Ask
) -> None:
    one = observe("a.com", corporate.issue("a.com", key=KEY))
    two = observe("b.org", corporate.issue("b.org", key=KEY))
    found = ask(leaf_key_shared, one, beside=(two,))
    assert found is not None
    assert found.details["hosts"] == ["b.org"]


def test_hosts_of_one_domain_are_related(corporate: Authority, observe: Observe, ask: Ask) -> None:
    one = observe("www.a.co.uk", corporate.issue("www.a.co.uk", key=KEY))
    two = observe("mail.a.co.uk", corporate.issue("mail.a.co.uk", key=KEY))
    assert ask(leaf_key_shared, one, beside=(two,)) is None


def test_public_paths_and_internal_names_never_count(
    pki: LabPki, corporate: Authority, observe: Observe, ask: Ask
) -> None:
    public = observe("a.com", pki.issue("a.com", key=KEY))
    inside = observe("wiki.corp", corporate.issue("wiki.corp", key=KEY))
    private = observe("b.org", corporate.issue("b.org", key=KEY))
    assert ask(leaf_key_shared, private, beside=(public, inside)) is None


def test_the_default_certificate_of_shared_hosting_is_no_forgery(
    observe: Observe, ask: Ask
) -> None:
    panel = [Authority("panel.hosting.example").der]
    one, two = observe("a.com", panel), observe("b.org", panel)
    same = ask(leaf_key_shared, at(one, "8.8.8.8"), beside=(at(two, "8.8.8.8"),))
    apart = ask(leaf_key_shared, at(one, "8.8.8.8"), beside=(at(two, "9.9.9.9"),))
    assert same is None
    assert apart is not None
