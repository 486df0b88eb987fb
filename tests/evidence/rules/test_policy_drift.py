from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs

from detector.chain.certificate import Certificate
from detector.evidence.rules import policy_drift
from detector.judging.judge import judge_all
from detector.known.hosts import HostPattern
from detector.known.knowledge import (
    Knowledge,
    Policy,
    PrivateIssuer,
    PublishedKey,
    PublishedKeys,
    Sanctioned,
)
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Observation
from tests.chain.test_path import sub_ca
from tests.conftest import NOW, Observe
from tests.evidence.conftest import Ask


@pytest.fixture
def gateway() -> Authority:
    return Authority("Corp Proxy CA", organization="Example Corp", profile=False)


@pytest.fixture
def seen(gateway: Authority, observe: Observe) -> Observation:
    return observe("a.com", (*gateway.issue("a.com").chain, gateway.der))


def allowing(known: Knowledge, authority: Authority, **changes: object) -> Knowledge:
    values = {
        "name": "Gateway", "spki": Certificate(authority.der).spki_sha256,
        "decrypt": (HostPattern("*"),), "ca_name": "Corp Proxy CA", **changes,
    }  # fmt: skip
    return replace(known, policy=Policy(sanctioned=(Sanctioned(**values),)))  # type: ignore[arg-type]


def kind(ask: Ask, seen: Observation, known: Knowledge) -> str | None:
    found = ask(policy_drift, seen, known)
    return None if found is None else found.details["kind"]


def test_what_is_allowed_is_no_drift(
    gateway: Authority, seen: Observation, known: Knowledge, ask: Ask
) -> None:
    assert kind(ask, seen, allowing(known, gateway)) is None
    assert kind(ask, seen, known) is None


def test_a_new_key_under_the_old_name_is_noticed_and_decides_nothing(
    seen: Observation, known: Knowledge, ask: Ask
) -> None:
    before = allowing(known, Authority("Corp Proxy CA"))
    assert kind(ask, seen, before) == "new-key"
    (judgement,) = judge_all([seen], before)
    assert (judgement.verdict, judgement.sanctioned) == ("suspect", False), "a name is anybody's"


def test_a_further_key_of_the_same_interceptor_is_no_drift(
    gateway: Authority, seen: Observation, known: Knowledge, ask: Ask
) -> None:
    also = (Certificate(gateway.der).spki_sha256,)
    assert kind(ask, seen, allowing(known, Authority("Old"), also=also)) is None


def test_decryption_of_a_forbidden_host_is_noticed(
    gateway: Authority, seen: Observation, known: Knowledge, ask: Ask
) -> None:
    forbidding = allowing(known, gateway, never=(HostPattern(".a.com"),))
    assert kind(ask, seen, forbidding) == "forbidden-host"
    (judgement,) = judge_all([seen], forbidding)
    assert (judgement.verdict, judgement.sanctioned) == ("intercepted", False)


def test_an_inner_host_that_the_permission_does_not_name_is_suspect_and_never_expected(
    gateway: Authority, known: Knowledge, observe: Observe
) -> None:
    policy = allowing(known, gateway, decrypt=(HostPattern("wiki.corp.local"),))
    shown = [
        observe(host, (*gateway.issue(host).chain, gateway.der))
        for host in ("git.corp.local", "wiki.corp.local")
    ]
    other, named = judge_all(shown, policy)
    assert (other.verdict, named.verdict) == ("suspect", "private")
    assert "policy-drift" in {e.id for e in other.evidence}
    assert not {e.id for e in other.evidence} & {"sanctioned"}, "nothing allows it"
    assert "under [[private]]" in other.next_step


def test_an_inner_host_that_the_policy_gives_to_the_ca_is_no_drift(
    gateway: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    seen = observe("git.corp.local", (*gateway.issue("git.corp.local").chain, gateway.der))
    outside = allowing(known, gateway, decrypt=(HostPattern("www.example.com"),)).policy
    key = Certificate(gateway.der).spki_sha256
    inner = (HostPattern(".corp.local"),)
    for policy in (
        structs.replace(outside, internal=inner),
        structs.replace(outside, private=(PrivateIssuer(key, inner),)),
    ):
        judged = replace(known, policy=policy)
        assert kind(ask, seen, judged) is None
        assert judge_all([seen], judged)[0].verdict == "private"
    mixed = allowing(known, gateway, decrypt=(HostPattern("wiki.corp.local"),)).policy
    listed = replace(known, policy=structs.replace(mixed, internal=inner))
    assert kind(ask, seen, listed) == "forbidden-host"


def test_decryption_after_the_end_is_noticed(
    gateway: Authority, seen: Observation, known: Knowledge, ask: Ask
) -> None:
    ended = allowing(known, gateway, expires=(NOW - timedelta(days=1)).date())
    assert kind(ask, seen, ended) == "expired"


def test_a_sanctioned_key_that_was_published_is_allowed_no_more(
    gateway: Authority, seen: Observation, known: Knowledge, ask: Ask
) -> None:
    leaked = PublishedKey("x", "test", spki_sha256=Certificate(gateway.der).spki_sha256)
    listed = replace(allowing(known, gateway), published=PublishedKeys((leaked,)))
    assert kind(ask, seen, listed) == "published-key"
    (judgement,) = judge_all([seen], listed)
    assert (judgement.verdict, judgement.sanctioned) == ("intercepted", False)


def test_a_public_path_is_nobodys_drift(
    pki: LabPki, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    named = allowing(known, Authority("x"), ca_name="Lab Public Intermediate")
    assert kind(ask, observe("a.com", pki.issue("a.com")), named) is None


def test_a_certificate_that_signs_below_a_sanctioned_ca_and_may_not_is_noticed_and_not_allowed(
    gateway: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    printer = sub_ca(gateway, name="printer.example")
    seen = observe("a.com", (*printer.issue("a.com").chain, gateway.der))
    assert kind(ask, seen, allowing(known, gateway)) == "unlawful-issuer"
    (judgement,) = judge_all([seen], allowing(known, gateway))
    assert (judgement.verdict, judgement.sanctioned) == ("intercepted", False)
