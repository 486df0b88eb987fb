from dataclasses import replace

from detector.evidence.rules import public_host_private_ca
from detector.known.hosts import HostPattern
from detector.known.issuers import IssuerTable, KnownIssuers
from detector.known.knowledge import Baseline, Knowledge, Policy
from detector.lab.ct_log import LabLog
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Evidence, Observation, Target
from tests.conftest import NOW, Observe
from tests.evidence.conftest import Ask

CANARY = "www.google.com"


def strength(found: Evidence | None) -> str:
    return found.strength if found is not None else "silent"


def logged(known: Knowledge) -> Knowledge:
    row = KnownIssuers(HostPattern("a.com"), frozenset(("0" * 64,)), "CT", fetched=NOW)
    return replace(known, issuers=(IssuerTable((row,)),))


def shown(observe: Observe, ca: Authority, host: str, **target: object) -> Observation:
    where = Target(host, sni=host, **target)  # type: ignore[arg-type]
    return observe(host, (ca.issue(host).der, ca.der), target=where)


def test_a_private_ca_on_a_canary_is_strong_at_any_address(
    corporate: Authority, observe: Observe, ask: Ask
) -> None:
    for ip in (None, "8.8.8.8", "10.66.0.1", "198.18.0.7", "127.0.0.1"):
        seen = shown(observe, corporate, CANARY, ip=ip)
        assert strength(ask(public_host_private_ca, seen)) == "strong", ip


def test_on_a_host_that_logs_know_an_inner_address_may_be_the_owners_view(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    def at(ip: str | None) -> str:
        seen = shown(observe, corporate, "a.com", ip=ip)
        return strength(ask(public_host_private_ca, seen, logged(known)))

    assert (at(None), at("8.8.8.8"), at("10.0.0.1")) == ("strong", "strong", "weak")


def test_a_self_signed_page_there_is_weak_and_on_another_port_nothing(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    own = observe("a.com", [Authority("a.com").der])
    assert strength(ask(public_host_private_ca, own, logged(known))) == "weak"
    mail = shown(observe, corporate, "a.com", port=465)
    assert ask(public_host_private_ca, mail, logged(known)) is None


def test_a_host_that_an_sct_proved_before_is_known_to_be_public(
    corporate: Authority, observe: Observe, ask: Ask
) -> None:
    before = Baseline("recorded", True, "0" * 64, None, None, None, NOW, logged=True)
    seen = shown(observe, corporate, "a.com")
    assert strength(ask(public_host_private_ca, seen, baseline=before)) == "strong"
    assert ask(public_host_private_ca, seen) is None


def test_logs_unknown_here_leave_it_open(known: Knowledge, observe: Observe, ask: Ask) -> None:
    young = Authority("Young Public CA", logs=(LabLog("unknown"),))
    seen = shown(observe, young, "a.com")
    assert strength(ask(public_host_private_ca, seen, logged(known))) == "weak"


def test_a_leaf_for_another_name_a_declared_name_and_a_forgotten_intermediate_are_silent(
    pki: LabPki, corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    default = observe(CANARY, (corporate.issue("b.org").der, corporate.der))
    assert ask(public_host_private_ca, default) is None
    declared = replace(known, policy=Policy(internal=(HostPattern(CANARY),)))
    assert ask(public_host_private_ca, shown(observe, corporate, CANARY), declared) is None
    assert ask(public_host_private_ca, observe(CANARY, [pki.issue(CANARY).der])) is None
    assert ask(public_host_private_ca, observe(CANARY, pki.issue(CANARY))) is None
