"""Honest and forged chains of tests/data/verdict_cases, each with the verdict it must get."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from detector.chain.anchors import ProgramRoots, TrustAnchors
from detector.chain.certificate import Certificate, split_pem
from detector.judging.judge import judge_all
from detector.knowledge.assemble import assemble
from detector.knowledge.trust_tables import public_roots
from detector.known.hosts import HostPattern
from detector.known.knowledge import Knowledge, Pin, Policy, PrivateIssuer, Sanctioned
from detector.lab.pki import Authority
from detector.model.observation import Handshake, Judgement, Observation, Target
from tests.conftest import Observe

CASES = Path(__file__).parent / "data" / "verdict_cases"
NO_POLICY = Policy()
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def chain(name: str) -> tuple[bytes, ...]:
    return tuple(split_pem((CASES / f"{name}.pem").read_bytes()))


def key(name: str, position: int) -> str:
    return Certificate(chain(name)[position]).spki_sha256


def shown(name: str, host: str, *, ip: str | None = None, completed: bool = False) -> Observation:
    handshake = Handshake(True) if completed else None
    return Observation(AT, Target(host, sni=host, ip=ip), chain=chain(name), handshake=handshake)


@dataclass(frozen=True)
class Case:
    """Who showed what to somebody who knows what, and what that is."""

    claim: str
    seen: tuple[Observation, ...]
    verdict: str
    roots: str | None = None
    pins: tuple[Pin, ...] = ()
    policy: Policy = NO_POLICY

    def judged(self) -> list[Judgement]:
        roots = CASES / f"{self.roots}.pem" if self.roots else None
        known = assemble(roots=roots, local=False, pins=self.pins)
        return judge_all(self.seen, replace(known, policy=self.policy))


def pin(host: str, *issuers: str) -> tuple[Pin, ...]:
    return (Pin(HostPattern(host), issuers=issuers),)


ONE = shown("dropped_root_one", "example.com")
TWO = shown("dropped_root_two", "iecvlist.microsoft.com")
BANK, HR, OTHER = "bank.alpha.org", "hr.corp.alpha.org", "www.beta.net"
FORGED = shown("leaf_below_pinned_ca", BANK, completed=True)
CONSTRAINED = shown("constrained_ca", BANK, completed=True)
CORPORATE = key("leaf_below_corporate_ca", 2)
EXPECTED = Policy(private=(PrivateIssuer(CORPORATE, (HostPattern(".corp.alpha.org"),)),))
ALLOWED = Policy(sanctioned=(Sanctioned("Gateway", CORPORATE, (HostPattern("*"),)),))


def one_ca(ip: str | None) -> tuple[Observation, ...]:
    hosts = ("github.com", "www.google.com")
    return tuple(shown(f"one_ca_{host}", host, ip=ip) for host in hosts)


TABLE = (
    Case("a site under a root that certifi dropped", (ONE,), "consistent"),
    Case("another under the same root", (TWO,), "consistent"),
    Case("both, which then share no private issuer", (ONE, TWO), "consistent"),
    Case(
        "an algorithm that nobody here can check",
        (shown("unknown_algorithm", "www.alpha.org"),), "suspect", "root_of_cannot_tell",
    ),
    Case(
        "an intermediate that cannot be parsed",
        (shown("unreadable_intermediate", "www.alpha.org"),), "suspect", "root_of_cannot_tell",
    ),
    Case(
        "an intermediate with one flipped bit",
        (shown("flipped_bit", "www.alpha.org"),), "suspect", "root_of_cannot_tell",
    ),
    Case("an ML-DSA root unknown here", (shown("ml_dsa", "example.com"),), "suspect"),
    Case(
        "an ML-DSA root that is known, and whose signatures nobody here can check",
        (shown("ml_dsa", "example.com"),), "suspect", "ml_dsa_root",
    ),
    Case("a Merkle Tree Certificate", (shown("merkle_tree", "example.com"),), "suspect"),
    Case(
        "an intermediate of a public root's name, signed by a key of another kind",
        (shown("borrowed_name", "www.alpha.org"),), "intercepted",
    ),
    Case(
        "a genuine leaf below the pinned intermediate signs another leaf",
        (FORGED,), "intercepted", "root_of_leaf_below",
        pin(BANK, key("leaf_below_pinned_ca", 2)),
    ),
    Case(
        "the same where the root is known to nobody",
        (FORGED,), "intercepted", None, pin(BANK, key("leaf_below_pinned_ca", 2)),
    ),
    Case(
        "the same below the pinned root",
        (FORGED,), "intercepted", "root_of_leaf_below", pin(BANK, key("root_of_leaf_below", 0)),
    ),
    Case(
        "a CA of the pinned root that is constrained to other names",
        (CONSTRAINED,), "intercepted", "root_of_constrained",
        pin(BANK, key("root_of_constrained", 0)),
    ),
    Case(
        "a printer's certificate below the CA that the policy expects signs another",
        (shown("leaf_below_corporate_ca", HR),), "suspect", policy=EXPECTED,
    ),
    Case(
        "a printer's certificate below a sanctioned CA signs another",
        (shown("leaf_below_sanctioned_ca", OTHER),), "intercepted", policy=ALLOWED,
    ),
    Case("one private CA for two canaries", one_ca(None), "intercepted"),
    Case("the same at a private address", one_ca("10.66.0.1"), "intercepted"),
    Case("the same at a benchmark address", one_ca("198.18.0.7"), "intercepted"),
    Case("the same at a carrier's shared address", one_ca("100.64.0.1"), "intercepted"),
    Case("the same at a loopback address", one_ca("127.0.0.1"), "intercepted"),
    Case("the same at one public address", one_ca("8.8.8.8"), "intercepted"),
    Case("one canary at a private address", one_ca("10.66.0.1")[:1], "intercepted"),
)  # fmt: skip


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.claim)
def test_each_case_gets_its_verdict(case: Case) -> None:
    for found in case.judged():
        assert (found.verdict, found.sanctioned) == (case.verdict, False), found.evidence


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.claim)
def test_no_forged_case_keeps_a_pin_or_a_permission(case: Case) -> None:
    ids = {e.id for found in case.judged() for e in found.evidence}
    assert not ids & {"pin-match", "sanctioned"}


def test_a_dropped_root_counts_as_well_where_only_the_machine_has_it(observe: Observe) -> None:
    known = assemble(local=False)
    assert not known.public.has_key(key("dropped_root_one", 2))
    machine = TrustAnchors((chain("dropped_root_one")[2],), "this machine")
    programs = ProgramRoots(public_roots, machine, known.public)
    seen = replace(ONE, chain=ONE.chain[:2])
    without = ProgramRoots(public_roots, None, known.public)
    (alone,) = judge_all([seen], replace(known, programs=without))
    (shipped,) = judge_all([seen], known)
    assert shipped.verdict == "consistent"
    (helped,) = judge_all([seen], replace(known, local=machine, programs=programs))
    assert (alone.verdict, helped.verdict) == ("suspect", "consistent")


def test_a_root_of_the_same_name_that_no_program_had_is_not_public(observe: Observe) -> None:
    """The list is of certificates, not of names."""
    twin = Authority("DigiCert Global Root CA", organization="DigiCert Inc", profile=False)
    hosts = ("a.com", "b.org")
    seen = [observe(host, (twin.issue(host).der, twin.der)) for host in hosts]
    assert {j.verdict for j in judge_all(seen, assemble(local=False))} == {"suspect"}


def test_the_lists_of_programs_do_not_count_where_the_user_says_what_is_public() -> None:
    lab = assemble(roots=CASES / "root_of_constrained.pem")
    for found in judge_all([ONE, TWO], lab):
        assert found.verdict == "suspect"  # not more: their SCTs verify
        assert "path-private" in {e.id for e in found.evidence}


@pytest.mark.parametrize("ip", ["10.66.0.1", "198.18.0.7", "127.0.0.1", "::1", "100.64.0.1"])
def test_twelve_canaries_behind_one_private_ca_are_intercepted_wherever_dns_says_they_are(
    corporate: Authority, observe: Observe, ip: str
) -> None:
    known: Knowledge = assemble(local=False)
    assert len(known.canaries) == 12
    seen = [
        observe(host, (corporate.issue(host).der, corporate.der), target=Target(host, ip=ip))
        for host in sorted(known.canaries)
    ]
    assert {j.verdict for j in judge_all(seen, known)} == {"intercepted"}


def test_a_portal_that_shows_one_page_for_all_canaries_is_not_yet_an_interceptor(
    corporate: Authority, observe: Observe
) -> None:
    known = assemble(local=False)
    page = corporate.issue("portal.hotel.com")
    seen = [
        observe(host, (page.der, corporate.der), target=Target(host, ip="10.66.0.1"))
        for host in sorted(known.canaries)
    ]
    assert {j.verdict for j in judge_all(seen, known)} == {"suspect"}


def test_the_four_roots_that_sites_still_use_are_in_the_table() -> None:
    names = set(public_roots().values())
    assert {
        "DigiCert Global Root CA",
        "DigiCert High Assurance EV Root CA",
        "Baltimore CyberTrust Root",
    } <= names
    # GlobalSign's R1 by its digest: the names of its roots do not tell them apart.
    assert "ebd41040e4bb3ec742c9e381d31ef2a41a48b6685c96e7cef3c1df6cd4331c99" in public_roots()


def test_a_pin_and_a_policy_hold_on_paths_of_cas(corporate: Authority, observe: Observe) -> None:
    """What the forged cases lose, an honest one keeps."""
    known = assemble(local=False)
    below = Authority("Issuing CA", parent=corporate, profile=False)
    root, host = Certificate(corporate.der).spki_sha256, "wiki.corp.com"
    seen = observe(host, (*below.issue(host).chain, corporate.der))
    pinned = replace(known, pins=pin(host, root))
    policy = Policy(private=(PrivateIssuer(root, (HostPattern(".corp.com"),), expires=date.max),))
    assert judge_all([seen], pinned)[0].verdict == "direct"
    assert judge_all([seen], replace(known, policy=policy))[0].verdict == "private"
