from detector.evidence.rules import issuer_shared
from detector.lab.pki import Authority, LabPki
from tests.conftest import Observe
from tests.evidence.conftest import Ask

CANARY = "www.google.com"


def test_one_private_issuer_on_two_unrelated_hosts_may_be_an_owners(
    corporate: Authority, observe: Observe, ask: Ask
) -> None:
    chain = (corporate.issue("a.com").der, corporate.der)
    other = (corporate.issue("b.org").der, corporate.der)
    found = ask(issuer_shared, observe("a.com", chain), beside=(observe("b.org", other),))
    assert found is not None
    assert (found.strength, found.details["hosts"]) == ("weak", ["b.org"])


def test_beside_a_host_that_is_known_to_be_public_it_accuses_both(
    corporate: Authority, observe: Observe, ask: Ask
) -> None:
    one = observe("a.com", (corporate.issue("a.com").der, corporate.der))
    two = observe(CANARY, (corporate.issue(CANARY).der, corporate.der))
    for seen, other in ((one, two), (two, one)):
        found = ask(issuer_shared, seen, beside=(other,))
        assert found is not None
        assert found.strength == "strong"


def test_a_leaf_for_another_name_is_not_accused_by_its_issuer(
    corporate: Authority, observe: Observe, ask: Ask
) -> None:
    """A stranger who forwards connections shows the certificate of where they end."""
    one = observe("evil.org", (corporate.issue("a.com").der, corporate.der))
    two = observe(CANARY, (corporate.issue(CANARY).der, corporate.der))
    found = ask(issuer_shared, one, beside=(two,))
    assert found is not None
    assert found.strength == "weak"


def test_an_issuer_that_was_not_sent_is_known_by_name_and_key_id(
    corporate: Authority, observe: Observe, ask: Ask
) -> None:
    one = observe("a.com", corporate.issue("a.com"))
    two = observe(CANARY, corporate.issue(CANARY))
    found = ask(issuer_shared, one, beside=(two,))
    assert found is not None
    assert found.strength == "strong"


def test_the_same_name_with_another_key_id_is_another_ca(
    corporate: Authority, observe: Observe, ask: Ask
) -> None:
    twin = Authority("Example Corp CA", organization="Example Corp", profile=False)
    one = observe("a.com", corporate.issue("a.com"))
    two = observe("b.org", twin.issue("b.org"))
    assert ask(issuer_shared, one, beside=(two,)) is None


def test_two_public_sites_that_forget_one_intermediate_are_honest(
    pki: LabPki, observe: Observe, ask: Ask
) -> None:
    one = observe("a.com", [pki.issue("a.com").der])
    two = observe("b.org", [pki.issue("b.org").der])
    assert ask(issuer_shared, one, beside=(two,)) is None
