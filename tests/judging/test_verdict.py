"""The design's table, row by row, over findings alone."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from detector.judging.judge import judge_all
from detector.judging.verdict import TABLE, Findings
from detector.known.hosts import HostPattern
from detector.known.knowledge import Knowledge, Pin, Policy, PrivateIssuer, Sanctioned
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Evidence, Handshake, Observation
from tests.conftest import Observe


def row(*findings: tuple[str, str, str], **facts: bool) -> tuple[str, str]:
    """Name and verdict of the row that holds for these findings and facts."""
    seen: Any = SimpleNamespace(
        observation=Observation(
            at=None,  # type: ignore[arg-type]
            target=None,  # type: ignore[arg-type]
            handshake=Handshake(facts.get("completed", True)),
        ),
        is_public_path=facts.get("public", False),
        is_internal=facts.get("internal", False),
        expected_private="yes" if facts.get("expected", False) else None,
        state_territory=facts.get("home", False),
    )
    evidence = tuple(Evidence(i, p, s, "") for i, p, s in findings)  # type: ignore[arg-type]
    found = next(r for r in TABLE if r.holds(Findings(seen, evidence)))
    return found.name, found.verdict


SCT = ("sct-verified", "direct", "proof")
ENGINE = ("engine-match", "intercepted", "strong")
PRIVATE = ("path-private", "intercepted", "strong")


@pytest.mark.parametrize(
    ("findings", "facts", "verdict"),
    [
        ((SCT,), {"public": True}, "direct"),
        ((SCT,), {"public": True, "completed": False}, "consistent"),
        ((SCT, ("name-mismatch", "intercepted", "weak")), {"public": True}, "suspect"),
        ((("pin-match", "direct", "proof"),), {}, "direct"),
        ((("pin-match", "direct", "weak"), PRIVATE), {}, "suspect"),
        ((), {"public": True}, "consistent"),
        ((("sct-missing", "intercepted", "strong"),), {"public": True}, "suspect"),
        ((("protocol-downgrade", "intercepted", "weak"),), {"public": True}, "suspect"),
        ((("protocol-downgrade", "intercepted", "weak"), SCT), {"public": True}, "direct"),
        ((ENGINE,), {"public": True}, "intercepted"),
        ((PRIVATE,), {}, "suspect"),
        ((PRIVATE, ENGINE), {}, "intercepted"),
        ((PRIVATE, ("product-match", "intercepted", "strong")), {}, "intercepted"),
        ((PRIVATE, ("product-match", "intercepted", "weak")), {}, "suspect"),
        ((PRIVATE, ("leaf-key-shared", "intercepted", "strong")), {}, "intercepted"),
        ((PRIVATE, ("issuer-shared", "intercepted", "strong")), {}, "intercepted"),
        ((PRIVATE, ("issuer-shared", "intercepted", "weak")), {}, "suspect"),
        ((PRIVATE, ("ct-issuer-unknown", "intercepted", "strong")), {}, "intercepted"),
        ((PRIVATE, ("route-differs", "intercepted", "strong")), {}, "intercepted"),
        ((PRIVATE, ("route-differs", "intercepted", "weak")), {}, "suspect"),
        ((PRIVATE, ("issuer-shared", "intercepted", "strong"), SCT), {}, "direct"),
        ((("path-private", "neutral", "strong"),), {"internal": True}, "private"),
        ((("path-private", "neutral", "strong"), ENGINE), {"internal": True}, "suspect"),
        ((("path-private", "neutral", "strong"),), {"expected": True}, "private"),
        ((("state-ca", "neutral", "strong"), PRIVATE), {"home": True}, "private"),
        ((("published-key", "intercepted", "proof"), SCT), {"public": True}, "intercepted"),
        ((("published-key", "neutral", "strong"), SCT), {"public": True}, "direct"),
        ((("issuer-impersonated", "intercepted", "proof"),), {}, "intercepted"),
        ((("issuer-impersonated", "intercepted", "proof"),), {"internal": True}, "intercepted"),
        ((("pin-mismatch", "intercepted", "proof"),), {}, "intercepted"),
        ((("pin-mismatch", "intercepted", "strong"), SCT), {"public": True}, "suspect"),
    ],
)
def test_the_table(
    findings: tuple[tuple[str, str, str], ...], facts: dict[str, bool], verdict: str
) -> None:
    assert row(*findings, **facts)[1] == verdict


def test_the_last_row_takes_whatever_is_left() -> None:
    assert TABLE[-1].name == "left-over"
    assert row()[0] == "left-over"


def test_deciding_evidence_comes_first(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    one = observe("a.com", (corporate.issue("a.com").der, corporate.der))
    two = observe("b.org", (corporate.issue("b.org").der, corporate.der))
    first, second = judge_all([one, two], known)
    assert first.evidence[0].id == second.evidence[0].id == "issuer-shared"
    assert first.interceptor is not None
    assert (first.interceptor.product, first.interceptor.engine) == (None, None)


def test_a_sanctioned_interceptor_is_still_intercepting(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    from detector.chain.certificate import Certificate

    key = Certificate(corporate.der).spki_sha256
    allowed = Sanctioned("Gateway", key, decrypt=(HostPattern("a.com"),))
    knowledge = replace(known, policy=Policy(sanctioned=(allowed,)))
    hosts = ("a.com", "b.org")
    chains = [observe(h, (corporate.issue(h).der, corporate.der)) for h in hosts]
    found = judge_all(chains, knowledge)
    assert [(j.verdict, j.sanctioned) for j in found] == [
        ("intercepted", True),
        ("intercepted", False),
    ]


def test_the_policy_expects_a_private_ca_for_its_names_only(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    from detector.chain.certificate import Certificate

    key = Certificate(corporate.der).spki_sha256
    entry = PrivateIssuer(key, (HostPattern(".corp.com"),))
    knowledge = replace(known, policy=Policy(private=(entry,)))
    chains = [
        observe(h, (corporate.issue(h).der, corporate.der)) for h in ("wiki.corp.com", "a.com")
    ]
    assert [j.verdict for j in judge_all(chains, knowledge)] == ["private", "suspect"]


def test_a_pin_decides_over_everything_but_proof_against(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    from detector.chain.certificate import Certificate

    leaf = pki.issue("a.com", logs=())
    key = Certificate(leaf.der).spki_sha256
    pinned = replace(known, pins=(Pin(HostPattern("a.com"), (key,)),))
    seen = observe("a.com", leaf, asked_for=("scts", "ocsp"))
    assert judge_all([seen], known)[0].verdict == "suspect"
    assert judge_all([seen], pinned)[0].verdict == "direct"
