from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec.structs import replace as replace_struct

from detector.chain.certificate import Certificate
from detector.errors import CertificateError
from detector.evidence.examination import Examination
from detector.judging.judge import judge_all
from detector.known.hosts import HostPattern
from detector.known.issuers import IssuerTable, KnownIssuers
from detector.known.knowledge import Baseline, Knowledge, Policy, PrivateIssuer
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Target
from tests.chain.test_path import CA, sub_ca
from tests.conftest import NOW, Observe


def test_internal_is_declared_special_or_private(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    leaf = pki.issue("a.com")
    declared = replace(known, policy=Policy(internal=(HostPattern(".a.com"),)))
    cases = [
        ("a.com", known, None, False),
        ("a.com", declared, None, True),
        ("nas.local", known, None, True),
        ("nas.local", replace(known, lab=True), None, False),
        ("10.0.0.1", known, None, True),
        ("a.com", known, "10.0.0.1", True),
        ("a.com", known, "8.8.8.8", False),
        ("a.com", replace(known, lab=True), "10.0.0.1", False),
    ]
    for host, knowledge, ip, expected in cases:
        seen = observe(host, leaf, target=Target(host, ip=ip))
        assert Examination(seen, knowledge).is_internal is expected, (host, ip)


def test_a_proven_host_does_not_become_internal_by_its_address(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    target = Target("a.com", ip="10.0.0.1")
    seen = observe("a.com", pki.issue("a.com"), target=target)
    before = Baseline("recorded", True, "0" * 64, None, None, None, NOW, logged=True)
    pinned = replace_struct(before, logged=False)
    logged = KnownIssuers(HostPattern("a.com"), frozenset(("0" * 64,)))
    assert Examination(seen, known).is_internal
    assert not Examination(seen, known, before).is_internal
    assert Examination(seen, known, pinned).is_internal, "a pin makes nobody public"
    assert not Examination(seen, replace(known, issuers=(IssuerTable((logged,)),))).is_internal


@pytest.mark.parametrize("ip", ["10.0.0.1", "127.0.0.1", "100.64.0.1", "198.18.0.7", "fd00::1"])
def test_a_canary_is_public_wherever_a_resolver_says_it_is(
    pki: LabPki, known: Knowledge, observe: Observe, ip: str
) -> None:
    host = "www.google.com"
    seen = observe(host, pki.issue(host), target=Target(host, ip=ip))
    assert host in known.canaries
    assert not Examination(seen, known).is_internal
    assert Examination(seen, replace(known, canaries=frozenset())).is_internal


def test_an_expected_ca_is_one_below_which_only_cas_sign(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    corporate = Authority("Corporate", profile=False)
    key = Certificate(corporate.der).spki_sha256
    policy = Policy(private=(PrivateIssuer(key, (HostPattern("a.com"),)),))
    knowledge = replace(known, policy=policy)
    for issuer, expected in ((sub_ca(corporate, CA), True), (sub_ca(corporate), False)):
        seen = observe("a.com", (*issuer.issue("a.com").chain, corporate.der))
        examination = Examination(seen, knowledge)
        assert key in examination.issuing_keys
        assert (examination.expected_private is not None) is expected


def test_a_ca_that_is_out_of_date_is_still_the_expected_one_but_excuses_no_more(
    known: Knowledge, observe: Observe
) -> None:
    corporate = Authority("Corporate", profile=False)
    key = Certificate(corporate.der).spki_sha256
    policy = Policy(private=(PrivateIssuer(key, (HostPattern("a.com"),)),))
    old = Authority("Old", parent=corporate, now=NOW - timedelta(days=400), days=200, profile=False)
    leaf = old.issue("a.com", start=NOW - timedelta(days=1))
    seen = observe("a.com", (*leaf.chain, corporate.der))
    examination = Examination(seen, replace(known, policy=policy))
    assert examination.expected_private is not None
    assert not examination.is_expected_private
    assert not examination.may_be_shared
    (found,) = judge_all([seen], replace(known, policy=policy))
    assert (found.verdict, [c.id for c in found.causes]) == (
        "suspect",
        ["intermediate-expired", "untrusted-root"],
    )


def test_an_address_the_user_gave_says_nothing_about_the_name(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    target = Target("a.com", ip="127.0.0.1", pinned_address=True)
    assert not Examination(observe("a.com", pki.issue("a.com"), target=target), known).is_internal


def test_unreadable_certificates_behind_the_leaf_are_counted(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    leaf = pki.issue("a.com")
    seen = Examination(observe("a.com", (leaf.der, b"junk", *leaf.chain[1:])), known)
    assert seen.path.kind == "public"
    assert seen.unreadable == 1


def test_a_leaf_that_is_none_is_refused(known: Knowledge, observe: Observe) -> None:
    with pytest.raises(CertificateError):
        Examination(observe("a.com", [b"junk"]), known)


def test_issuers_that_were_fetched_count_where_they_lead_to_an_anchor(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    alone = observe("a.com", [pki.issue("a.com").der])
    assert Examination(alone, known).path.kind == "incomplete"
    whole = Examination(replace(alone, fetched=(b"garbage", pki.intermediate.der)), known)
    assert whole.is_public_path
    assert [one.der for one in whole.forgotten] == [pki.intermediate.der]
    assert whole.sent_path.path.kind == "incomplete"


def test_issuers_that_were_fetched_and_lead_nowhere_count_for_nothing(
    pki: LabPki, corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    namesake = LabPki().intermediate  # the same name, and another key
    alone = observe("a.com", [pki.issue("a.com").der], fetched=(namesake.der,))
    assert Examination(alone, known).path.kind == "incomplete"
    private = observe("a.com", [corporate.issue("a.com").der], fetched=(corporate.der,))
    found = Examination(private, known)
    assert (found.path.kind, found.forgotten) == ("incomplete", ())


def test_what_was_sent_is_not_said_to_be_forgotten(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    seen = observe("a.com", pki.issue("a.com"), fetched=(pki.intermediate.der,))
    assert Examination(seen, known).forgotten == ()
