from dataclasses import replace
from datetime import timedelta

from msgspec.structs import replace as replace_struct

from detector.chain.certificate import Certificate
from detector.evidence.rules import other_private_ca
from detector.judging.judge import judge_all
from detector.known.hosts import HostPattern
from detector.known.knowledge import Knowledge, Policy, PrivateIssuer
from detector.lab.pki import Authority
from tests.conftest import NOW, Observe
from tests.evidence.conftest import Ask

HOST = "hr.corp.com"
NAMES = (HostPattern(".corp.com"),)


def test_another_ca_than_the_policy_names_is_strong_and_keeps_it_from_being_private(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    wanted = PrivateIssuer(Certificate(corporate.der).spki_sha256, NAMES, "AD CS")
    policy = replace(known, policy=Policy(internal=NAMES, private=(wanted,)))
    other = Authority("Another CA", profile=False)
    genuine = observe(HOST, (corporate.issue(HOST).der, corporate.der))
    posing = observe(HOST, (other.issue(HOST).der, other.der))
    assert ask(other_private_ca, genuine, policy) is None
    found = ask(other_private_ca, posing, policy)
    assert found is not None
    assert (found.strength, "AD CS" in found.text) == ("strong", True)
    assert [j.verdict for j in judge_all([genuine, posing], policy)] == ["private", "suspect"]


def test_an_entry_that_ended_makes_no_other_ca_the_expected_one_and_a_missing_issuer_may_be_it(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    other = Authority("Another CA", profile=False)
    ended = PrivateIssuer("0" * 64, NAMES, expires=(NOW - timedelta(days=1)).date())
    whole = observe(HOST, (other.issue(HOST).der, other.der))
    policy = replace(known, policy=Policy(private=(ended,)))
    assert ask(other_private_ca, whole, policy) is not None
    own = replace_struct(ended, spki=Certificate(other.der).spki_sha256)
    assert ask(other_private_ca, whole, replace(known, policy=Policy(private=(own,)))) is None
    wanted = replace(known, policy=Policy(private=(PrivateIssuer("0" * 64, NAMES),)))
    assert ask(other_private_ca, whole, wanted) is not None
    assert ask(other_private_ca, observe(HOST, corporate.issue(HOST)), wanted) is None
