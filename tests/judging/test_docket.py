"""What is held back until sharing is known."""

from __future__ import annotations

from detector.judging.docket import MAX_HELD, Docket
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Observation, Target
from tests.conftest import Observe

CANARY = "www.google.com"


def verdicts(docket: Docket[str], *observations: Observation) -> list[list[tuple[str, str]]]:
    """What goes out after each observation, and at the end, by host."""
    out = [docket.add(seen.target.host, seen) for seen in observations]
    return [[(host, j.verdict) for host, j in released] for released in (*out, docket.rest())]


def test_clean_observations_go_out_at_once(pki: LabPki, known: Knowledge, observe: Observe) -> None:
    run: Docket[str] = Docket(known)
    assert verdicts(run, observe("a.com", pki.issue("a.com"))) == [[("a.com", "direct")], []]


def test_a_lone_private_chain_waits_for_a_companion(
    corporate: Authority, pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    run: Docket[str] = Docket(known)
    found = verdicts(
        run,
        observe("a.com", corporate.issue("a.com")),
        observe("b.com", pki.issue("b.com")),
        observe("c.org", corporate.issue("c.org")),
        observe(CANARY, corporate.issue(CANARY)),
        observe("d.net", corporate.issue("d.net")),
    )
    assert found == [
        [],
        [("b.com", "direct")],
        [],
        [("a.com", "intercepted"), ("c.org", "intercepted"), (CANARY, "intercepted")],
        [("d.net", "intercepted")],
        [],
    ]


def test_a_witness_counts_and_does_not_go_out(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    run: Docket[str] = Docket(known)
    run.witness(observe(CANARY, corporate.issue(CANARY)))
    found = verdicts(run, observe("a.com", corporate.issue("a.com")))
    assert found == [[("a.com", "intercepted")], []]


def test_a_name_that_only_its_address_makes_internal_waits_too(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    run: Docket[str] = Docket(known)
    hosts = ("steam.com", CANARY)
    seen = [observe(h, corporate.issue(h), target=Target(h, sni=h, ip="198.18.0.7")) for h in hosts]
    assert verdicts(run, *seen) == [
        [], [("steam.com", "intercepted"), (CANARY, "intercepted")], [],
    ]  # fmt: skip


def test_at_the_end_a_loner_is_suspect(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    run: Docket[str] = Docket(known)
    assert verdicts(run, observe("a.com", corporate.issue("a.com"))) == [
        [],
        [("a.com", "suspect")],
    ]


def test_memory_is_bounded_by_letting_the_oldest_go(
    known: Knowledge, observe: Observe, corporate: Authority
) -> None:
    run: Docket[str] = Docket(known)
    leaf = Authority("one").der
    out = 0
    # One certificate for many hosts of one domain: each is a loner, none a companion.
    for number in range(MAX_HELD + 3):
        out += len(run.add("", observe(f"h{number}.a.com", [leaf])))
    assert out == 3
    assert len(run.rest()) == MAX_HELD
