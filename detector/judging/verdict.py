"""Evidence to verdict: a table, read from the top; the first row whose condition holds decides.

Rules
-----
1. Proof of interception comes first: no proof of directness outweighs a published key, a pin that
   is broken by a private chain, or an impersonated CA. One thing stands against the last two: a valid
   SCT, which no forger can mint.
2. Proof of directness comes next, but only about the name that was asked for, only from a peer that
   completed the handshake, and, where it rests on Certificate Transparency, only under a public root:
   logs accept other roots too.
3. A private CA is expected on internal names, and where the policy says so, and nowhere else.
4. A public path with nothing strong against it is "consistent", never more.
5. What is left is "suspect": evidence against, with an innocent explanation standing.
6. A weak finding decides nothing, in no row. What could not be checked is no finding: it leads neither to
   "intercepted" nor to "direct".

Theory of operation
-------------------
Rules of `detector.evidence` have already weighed each finding. The table looks at which findings are
there with which strength, and at `Facts`: what the path ends in, whether the leaf is meant for the name
and names it as a client demands, whether the name is internal, whether the handshake was done. Facts are
what everybody sees in the chain; findings are what somebody had to know or to compare.

A private path on a public name is no accusation by itself: owners run CAs, devices show pages of their
own, servers show snake-oil. It takes company that no owner has: the shape of a program that mints, the
name of a product that forges, a host that is known to be public (`public-host-private-ca`), or a key that
such a host is served with (`issuer-shared`, `leaf-key-shared`). All but the last need a leaf that is
meant for the host: a certificate for another name is a misconfiguration first.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from detector.evidence.examination import Examination
from detector.judging.words import words_for
from detector.model.observation import Evidence, Interceptor, Judgement, Strength, VerdictName

# Any one of these, beside a private path for a public name, is overwhelming.
_COMPANY = (
    "engine-match",
    "product-match",
    "interception-key",
    "public-host-private-ca",
    "canaries-dirty",
    "leaf-key-shared",
    "issuer-shared",
    "route-differs",
    "policy-drift",
    "sanctioned",
)
# Weighed by who shares it: decides as well where the leaf is for another name, or the address is inner.
_SHARED = ("leaf-key-shared", "issuer-shared")
# Innocent on an internal name: only these speak against a private chain there.
_ODD_ON_INTERNAL = (
    "engine-match",
    "product-match",
    "interception-key",
    "other-private-ca",
    "names-astray",
    "policy-drift",
)


class Facts(msgspec.Struct, frozen=True):
    """What the chain and the name say by themselves.

    Attributes:
        completed: both sides finished the handshake, so the peer holds the leaf's key.
        public_path: the path ends in a root that was public when the leaf was issued.
        holds_name: a client would take the leaf for the host.
        claims_name: the leaf is meant for the host, in whatever form.
        asked: a name was asked for; else a leaf for others is nobody's mistake.
        internal: the host is internal, by its name, the policy or its address.
        declared_internal: it is so whatever its address.
        expected_private: the policy names the private CA for the host.
        undecided_root: nobody here can tell whether the root is, or then was, public.
        state_territory: the issuer is a state's own CA, and the host one of its country.

    """

    completed: bool = False
    public_path: bool = False
    holds_name: bool = True
    claims_name: bool = True
    asked: bool = True
    internal: bool = False
    declared_internal: bool = False
    expected_private: bool = False
    undecided_root: bool = False
    state_territory: bool = False


def facts_of(seen: Examination) -> Facts:
    handshake = seen.observation.handshake
    return Facts(
        completed=handshake is not None and handshake.completed,
        public_path=seen.is_public_path,
        holds_name=seen.holds_name,
        claims_name=seen.claims_name,
        asked=seen.observation.asks_for_name,
        internal=seen.is_internal,
        declared_internal=seen.declared_internal,
        expected_private=seen.is_expected_private,
        undecided_root=seen.root_standing == "unknown",
        state_territory=seen.state_territory,
    )


class Findings:
    """What the table asks about."""

    def __init__(self, facts: Facts, evidence: tuple[Evidence, ...]) -> None:
        self.facts = facts
        self.by_id = {e.id: e for e in evidence}
        self.sct = self.for_it("sct-verified", "ct-logged")
        self.other_name = facts.asked and not facts.internal and not facts.holds_name

    def against(self, *ids: str, least: Strength = "strong") -> bool:
        """Whether any of `ids` points to interception with at least that strength."""
        found = (self.by_id.get(name) for name in ids)
        return any(e and e.points == "intercepted" and _weighs(e, least) for e in found)

    def for_it(self, *ids: str, least: Strength = "strong") -> bool:
        """Whether any of `ids` speaks for directness with at least that strength."""
        found = (self.by_id.get(name) for name in ids)
        return any(e and e.points == "direct" and _weighs(e, least) for e in found)

    def anything_against(self) -> bool:
        return self.against(*self.by_id)


def _weighs(evidence: Evidence, least: Strength) -> bool:
    return evidence.strength in (("proof",) if least == "proof" else ("strong", "proof"))


def private_with_company(f: Findings) -> bool:
    """The one row that accuses a private path by what stands beside it."""
    facts = f.facts
    if facts.public_path or facts.undecided_root or f.sct:
        return False
    if facts.expected_private or facts.declared_internal:
        return False
    if f.against(*_SHARED):
        return True
    return facts.claims_name and not facts.internal and f.against(*_COMPANY)


class VerdictRow(msgspec.Struct, frozen=True):
    """`decides` names the findings to show first when the row holds."""

    name: str
    verdict: VerdictName
    holds: Callable[[Findings], bool]
    summary: str
    decides: tuple[str, ...] = ()


_PATHS = ("path-private", "path-local-root", "path-incomplete", "self-signed")

TABLE: tuple[VerdictRow, ...] = (
    VerdictRow(
        "published-key",
        "intercepted",
        lambda f: f.against("published-key", least="proof"),
        "Intercepted: the chain hangs on a key that anybody has.",
        ("published-key",),
    ),
    VerdictRow(
        "pin-broken",
        "intercepted",
        lambda f: f.against("pin-mismatch", least="proof") and not f.sct,
        "Intercepted: the host's pinned key is missing, and the chain is not public.",
        ("pin-mismatch", *_PATHS),
    ),
    VerdictRow(
        "issuer-impersonated",
        "intercepted",
        lambda f: f.against("issuer-impersonated") and not f.sct,
        "Intercepted: the issuer borrows the name of a public CA.",
        ("issuer-impersonated",),
    ),
    VerdictRow(
        "private-path-with-company",
        "intercepted",
        private_with_company,
        "Intercepted: a private CA answers for a public name.",
        (*_COMPANY, *_PATHS),
    ),
    VerdictRow(
        "public-path-minted-leaf",
        "intercepted",
        lambda f: (
            f.facts.public_path and f.facts.claims_name and not f.sct and f.against("engine-match")
        ),
        "Intercepted: the path is public, but the leaf was minted by an intercepting proxy.",
        ("engine-match", "sct-missing", "sct-invalid"),
    ),
    VerdictRow(
        "pin-matched",
        "direct",
        lambda f: f.facts.completed and f.for_it("pin-match", least="proof"),
        "Direct: the peer holds the key that is pinned for the host.",
        ("pin-match",),
    ),
    VerdictRow(
        "insecure-key",
        "suspect",
        lambda f: f.against("published-key"),
        "Suspect: anybody can pose as this server, and nobody needs to stand in between.",
        ("published-key",),
    ),
    VerdictRow(
        "pin-mismatch",
        "suspect",
        lambda f: f.against("pin-mismatch"),
        "Suspect: none of the host's pinned keys was shown; a renewal would look the same.",
        ("pin-mismatch", "sct-verified", "path-public"),
    ),
    VerdictRow(
        "other-name",
        "suspect",
        lambda f: f.other_name,
        "Suspect: the certificate is for another name; a misconfigured server looks the same.",
        ("one-leaf-for-all", "name-mismatch", "sct-verified", *_PATHS),
    ),
    VerdictRow(
        "logged-leaf",
        "direct",
        lambda f: f.sct and f.facts.public_path and f.facts.completed and f.facts.holds_name,
        "Direct: a public CA issued this leaf in the open, and the peer holds its key (Certificate Transparency).",
        ("ct-logged", "sct-verified", "path-public"),
    ),
    VerdictRow(
        "logged-leaf-unproven",
        "consistent",
        lambda f: f.sct and f.facts.public_path and f.facts.holds_name,
        "Consistent: the leaf is publicly logged, but no handshake shows who holds its key.",
        ("ct-logged", "sct-verified", "path-public"),
    ),
    VerdictRow(
        "private-expected",
        "private",
        lambda f: (
            not f.facts.public_path
            and (f.facts.internal or f.facts.expected_private)
            and not f.against(*_ODD_ON_INTERNAL)
        ),
        "Private: a private CA, where one is expected.",
        _PATHS,
    ),
    VerdictRow(
        "state-at-home",
        "private",
        lambda f: not f.facts.public_path and f.facts.state_territory,
        "Private: a state's own CA for that state's site.",
        ("state-ca",),
    ),
    VerdictRow(
        "public-and-quiet",
        "consistent",
        lambda f: f.facts.public_path and not f.anything_against(),
        "Consistent: a public chain with nothing strong against it, and nothing that proves it.",
        ("path-public",),
    ),
    VerdictRow(
        "left-over",
        "suspect",
        lambda _: True,
        "Suspect: something speaks against this chain, but an innocent explanation stands.",
        (
            *_COMPANY,
            "issuer-impersonated",
            "other-private-ca",
            "names-astray",
            "ct-issuer-unknown",
            "sct-invalid",
            "sct-missing",
            "profile-not-public",
            "protocol-downgrade",
            "state-ca",
            *_PATHS,
        ),
    ),
)


def row_for(findings: Findings) -> VerdictRow:
    """The row that decides; the last one always holds."""
    return next(row for row in TABLE if row.holds(findings))


def decide(seen: Examination, evidence: tuple[Evidence, ...]) -> Judgement:
    """The verdict over an examined observation. Pure: the same input gives the same output."""
    facts = facts_of(seen)
    findings = Findings(facts, evidence)
    row = row_for(findings)
    order = {name: position for position, name in enumerate(row.decides)}
    ranked = sorted(evidence, key=lambda e: order.get(e.id, len(order)))
    intercepted = row.verdict == "intercepted"
    words = words_for(row.verdict, row.name, seen, findings.by_id)
    return Judgement(
        observation=seen.observation,
        verdict=row.verdict,
        summary=row.summary,
        decided_by=row.name,
        evidence=tuple(ranked),
        sanctioned=intercepted and "sanctioned" in findings.by_id,
        interceptor=_interceptor(seen, findings)
        if intercepted or row.name in ("left-over", "other-name")
        else None,
        explanation=words.explanation,
        next_step=words.next_step,
    )


def _interceptor(seen: Examination, findings: Findings) -> Interceptor | None:
    product = findings.by_id.get("product-match")
    engine = findings.by_id.get("engine-match")
    category = (product or engine).details["category"] if product or engine else None  # type: ignore[union-attr]
    return Interceptor(
        product=product.details["product"] if product else None,
        engine=engine.details["engine"] if engine else None,
        category=category,
        issuer=seen.leaf.issuer_text,
        issuer_spki_sha256=seen.issuer_spki_sha256,
    )
