"""The design's table, row by row, over findings alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as replace_struct

from detector.judging.judge import judge_all
from detector.judging.verdict import TABLE, Facts, Findings, VerdictRow, row_for
from detector.known.hosts import HostPattern
from detector.known.knowledge import Knowledge, Pin, Policy, PrivateIssuer, Sanctioned
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Evidence, VerdictName
from tests.conftest import Observe


def findings(*found: tuple[str, str, str]) -> tuple[Evidence, ...]:
    return tuple(Evidence(i, p, s, "") for i, p, s in found)  # type: ignore[arg-type]


def row(*found: tuple[str, str, str], **changes: bool) -> tuple[str, str]:
    """Name and verdict of the row that holds for these findings and facts, of a completed handshake."""
    facts = Facts(**{"completed": True, **changes})
    decided = row_for(Findings(facts, findings(*found)))
    return decided.name, decided.verdict


SCT = ("sct-verified", "direct", "proof")
ENGINE = ("engine-match", "intercepted", "strong")
PRIVATE = ("path-private", "intercepted", "strong")
INSIDE = ("path-private", "neutral", "strong")


PUBLIC = {"public_path": True}
OTHER = {"holds_name": False, "claims_name": False}
INNER = {"internal": True}
DECLARED = {"internal": True, "declared_internal": True}


def against(name: str, strength: str = "strong") -> tuple[str, str, str]:
    return name, "intercepted", strength


CASES: tuple[tuple[tuple[tuple[str, str, str], ...], dict[str, bool], str], ...] = (
    ((SCT,), PUBLIC, "direct"),
    ((SCT,), {**PUBLIC, "completed": False}, "consistent"),
    ((SCT, against("ct-issuer-unknown")), {**PUBLIC, "completed": False}, "consistent"),
    ((SCT,), {**PUBLIC, **OTHER}, "suspect"),
    ((SCT,), {**PUBLIC, **OTHER, "asked": False}, "consistent"),
    ((SCT, PRIVATE), {}, "suspect"),  # logs accept other roots too
    ((("pin-match", "direct", "proof"),), {}, "direct"),
    ((("pin-match", "direct", "proof"),), {"completed": False}, "suspect"),
    ((("pin-match", "direct", "weak"), PRIVATE), {}, "suspect"),
    ((), PUBLIC, "consistent"),
    ((against("sct-missing", "weak"),), PUBLIC, "consistent"),
    ((against("sct-invalid"),), PUBLIC, "suspect"),
    ((against("ct-issuer-unknown"), against("sct-missing", "weak")), PUBLIC, "suspect"),
    ((against("protocol-downgrade", "weak"),), PUBLIC, "consistent"),
    ((against("protocol-downgrade", "weak"), SCT), PUBLIC, "direct"),
    ((ENGINE,), PUBLIC, "intercepted"),
    ((ENGINE, SCT), PUBLIC, "direct"),
    ((ENGINE,), {**PUBLIC, **OTHER}, "suspect"),
    ((PRIVATE,), {}, "suspect"),
    ((PRIVATE, ENGINE), {}, "intercepted"),
    ((PRIVATE, ENGINE), OTHER, "suspect"),
    ((PRIVATE, ENGINE, SCT), {}, "suspect"),
    ((PRIVATE, against("product-match")), {}, "intercepted"),
    ((PRIVATE, against("product-match")), OTHER, "suspect"),
    ((PRIVATE, against("product-match", "weak")), {}, "suspect"),
    ((PRIVATE, against("interception-key")), {}, "intercepted"),
    ((PRIVATE, against("leaf-key-shared")), {}, "intercepted"),
    ((PRIVATE, against("leaf-key-shared")), OTHER, "intercepted"),
    ((PRIVATE, against("leaf-key-shared", "weak")), {}, "suspect"),
    ((PRIVATE, against("issuer-shared")), {}, "intercepted"),
    ((PRIVATE, against("issuer-shared", "weak")), {}, "suspect"),
    ((PRIVATE, against("issuer-shared"), SCT), {}, "suspect"),
    ((PRIVATE, against("public-host-private-ca")), {}, "intercepted"),
    ((PRIVATE, against("public-host-private-ca", "weak")), {}, "suspect"),
    ((PRIVATE, against("canaries-dirty")), {}, "intercepted"),
    ((PRIVATE, against("canaries-dirty", "weak")), {}, "suspect"),
    ((PRIVATE, against("route-differs")), {}, "intercepted"),
    ((PRIVATE, against("route-differs", "weak")), {}, "suspect"),
    ((PRIVATE, against("policy-drift")), {}, "intercepted"),
    ((PRIVATE, against("sanctioned")), {}, "intercepted"),
    ((PRIVATE, against("one-leaf-for-all", "weak")), OTHER, "suspect"),
    ((INSIDE,), INNER, "private"),
    ((INSIDE, against("issuer-shared")), INNER, "intercepted"),
    ((INSIDE, against("leaf-key-shared")), INNER, "intercepted"),
    ((INSIDE, against("issuer-shared")), DECLARED, "private"),
    ((INSIDE, ENGINE), DECLARED, "suspect"),
    ((INSIDE, against("product-match")), DECLARED, "suspect"),
    ((INSIDE, against("interception-key")), DECLARED, "suspect"),
    ((INSIDE, against("other-private-ca")), DECLARED, "suspect"),
    ((INSIDE, against("names-astray")), INNER, "suspect"),
    ((INSIDE,), {"expected_private": True}, "private"),
    ((INSIDE, against("issuer-shared")), {"expected_private": True}, "private"),
    ((("state-ca", "neutral", "strong"), PRIVATE), {"state_territory": True}, "private"),
    ((against("published-key", "proof"), SCT), PUBLIC, "intercepted"),
    ((against("published-key", "strong"), SCT), PUBLIC, "suspect"),
    ((("published-key", "neutral", "strong"), SCT), PUBLIC, "direct"),
    ((against("issuer-impersonated", "proof"),), {}, "intercepted"),
    ((against("issuer-impersonated", "proof"),), DECLARED, "intercepted"),
    ((against("issuer-impersonated", "proof"), SCT), {}, "suspect"),
    ((against("issuer-impersonated", "weak"),), {}, "suspect"),
    ((against("pin-mismatch", "proof"),), {}, "intercepted"),
    ((against("pin-mismatch", "proof"), SCT), {}, "suspect"),
    ((against("pin-mismatch", "strong"), SCT), PUBLIC, "suspect"),
)  # fmt: skip


@pytest.mark.parametrize(("found", "facts", "verdict"), CASES)
def test_the_table(
    found: tuple[tuple[str, str, str], ...], facts: dict[str, bool], verdict: str
) -> None:
    assert row(*found, **facts)[1] == verdict


def broken(rows: tuple[VerdictRow, ...]) -> bool:
    """Whether some case above gets another verdict by these rows."""

    def decided(found: tuple[tuple[str, str, str], ...], facts: dict[str, bool]) -> str:
        known = Findings(Facts(**{"completed": True, **facts}), findings(*found))
        return next(one.verdict for one in rows if one.holds(known))

    return any(decided(found, facts) != verdict for found, facts, verdict in CASES)


@pytest.mark.parametrize("place", range(len(TABLE) - 1), ids=[r.name for r in TABLE[:-1]])
def test_a_row_that_is_broken_is_noticed(place: int) -> None:
    """Left out, never holding, or with another verdict."""
    one = TABLE[place]
    other: VerdictName = "suspect" if one.verdict == "intercepted" else "intercepted"
    mutants = (
        (*TABLE[:place], *TABLE[place + 1 :]),
        (*TABLE[:place], replace_struct(one, verdict=other), *TABLE[place + 1 :]),
    )
    assert not broken(TABLE)
    assert all(broken(rows) for rows in mutants)


FOR, AGAINST = ("sct-verified", "ct-logged", "pin-match"), tuple(
    sorted({e[0] for found, _, _ in CASES for e in found if e[1] == "intercepted"})
)  # fmt: skip
FACTS = st.builds(
    Facts, **dict.fromkeys(Facts.__struct_fields__, st.booleans())
).filter(lambda f: (f.claims_name or not f.holds_name) and (f.internal or not f.declared_internal))  # fmt: skip
SETS = st.dictionaries(
    st.sampled_from((*FOR, *AGAINST)), st.sampled_from(("weak", "strong", "proof")), max_size=8
)
# A loaded machine is no fault of the table.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
BAD = ("direct", "consistent", "private", "suspect", "intercepted")


def verdict_of(facts: Facts, weights: dict[str, str]) -> str:
    found = [(n, "direct" if n in FOR else "intercepted", w) for n, w in weights.items()]
    return row_for(Findings(facts, findings(*found))).verdict


@UNHURRIED
@given(FACTS, SETS)
def test_weak_findings_decide_nothing_whatever_is_beside_them(
    facts: Facts, weights: dict[str, str]
) -> None:
    telling = {name: weight for name, weight in weights.items() if weight != "weak"}
    assert verdict_of(facts, weights) == verdict_of(facts, telling)


@UNHURRIED
@given(FACTS, SETS, st.sampled_from(FOR), st.sampled_from(("weak", "strong", "proof")))
def test_a_finding_for_directness_never_makes_it_worse(
    facts: Facts, weights: dict[str, str], name: str, weight: str
) -> None:
    without = {n: w for n, w in weights.items() if n != name}
    better, worse = verdict_of(facts, {**without, name: weight}), verdict_of(facts, without)
    assert BAD.index(better) <= BAD.index(worse)


@UNHURRIED
@given(FACTS, SETS)
def test_a_check_that_cannot_tell_leads_neither_to_an_accusation_nor_to_proof(
    facts: Facts, weights: dict[str, str]
) -> None:
    """What could not be checked is no finding: taking one away accuses nobody who was not accused
    but for what spoke for him, and proves nothing.
    """
    before = verdict_of(facts, weights)
    for name in weights:
        after = verdict_of(facts, {n: w for n, w in weights.items() if n != name})
        if name in AGAINST:
            assert BAD.index(after) <= BAD.index(before)
            assert after != "direct" or before == "direct" or verdict_of(facts, {
                n: w for n, w in weights.items() if n in FOR}) == "direct"  # fmt: skip
        else:
            assert after != "direct" or before == "direct"


def test_the_last_row_takes_whatever_is_left() -> None:
    assert TABLE[-1].name == "left-over"
    assert row()[0] == "left-over"


def test_deciding_evidence_comes_first(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    one = observe("a.com", (corporate.issue("a.com").der, corporate.der))
    two = observe("github.com", (corporate.issue("github.com").der, corporate.der))
    first, second = judge_all([one, two], known)
    assert [e.evidence[0].id for e in (first, second)] == [
        "issuer-shared",
        "public-host-private-ca",
    ]
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
    assert judge_all([seen], known)[0].verdict == "consistent"
    assert judge_all([seen], pinned)[0].verdict == "direct"
