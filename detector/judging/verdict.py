"""Evidence to verdict: a table, read from the top; the first row whose condition holds decides.

Rules
-----
1. Proof of interception comes first: no proof of directness outweighs a published key, a pin that
   is broken by a private chain, or an impersonated CA.
2. Proof of directness comes next, but only about the name that was asked for, and only from a peer
   that completed the handshake.
3. A private CA is expected on internal names, and where the policy says so, and nowhere else.
4. A public path with nothing against it is "consistent", never more.
5. What is left is "suspect": evidence against, with an innocent explanation standing.

Theory of operation
-------------------
Rules of `detector.evidence` have already weighed each finding: "strong" findings that point to
interception count, "weak" ones never decide on their own. The table only looks at which findings
are there, and at three facts: is the path public, is the name internal, was the handshake done.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from detector.evidence.examination import Examination
from detector.model.observation import Evidence, Interceptor, Judgement, Strength, VerdictName

# Any one of these, beside a private path for a public name, is overwhelming.
_COMPANY = (
    "engine-match",
    "product-match",
    "interception-key",
    "leaf-key-shared",
    "issuer-shared",
    "ct-issuer-unknown",
    "route-differs",
    "policy-drift",
)
# Innocent on an internal name: only these speak against a private chain there.
_ODD_ON_INTERNAL = ("engine-match", "product-match", "interception-key")


class Findings:
    """What the table asks about."""

    def __init__(self, seen: Examination, evidence: tuple[Evidence, ...]) -> None:
        self.by_id = {e.id: e for e in evidence}
        handshake = seen.observation.handshake
        self.completed = handshake is not None and handshake.completed
        self.public_path = seen.is_public_path
        self.internal = seen.is_internal
        self.expected_private = seen.expected_private is not None
        self.state_territory = seen.state_territory if "state-ca" in self.by_id else False
        self.sct = "sct-verified" in self.by_id or "ct-logged" in self.by_id
        self.holds_name = "name-mismatch" not in self.by_id
        self.other_name = not self.holds_name and self.by_id["name-mismatch"].points != "neutral"

    def against(self, *ids: str, least: Strength = "strong") -> bool:
        """Whether any of `ids` points to interception with at least that strength."""
        wanted = ("proof",) if least == "proof" else ("strong", "proof")
        found = (self.by_id.get(name) for name in ids)
        return any(e and e.points == "intercepted" and e.strength in wanted for e in found)

    def anything_against(self) -> bool:
        return any(e.points == "intercepted" for e in self.by_id.values())


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
        lambda f: f.against("published-key"),
        "Intercepted: the chain hangs on a key that anybody has.",
        ("published-key",),
    ),
    VerdictRow(
        "pin-broken",
        "intercepted",
        lambda f: f.against("pin-mismatch", least="proof"),
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
        lambda f: (
            not f.public_path
            and not f.internal
            and not f.expected_private
            and not f.sct
            and f.against(*_COMPANY)
        ),
        "Intercepted: a private CA answers for a public name.",
        (*_COMPANY, *_PATHS),
    ),
    VerdictRow(
        "public-path-minted-leaf",
        "intercepted",
        lambda f: f.public_path and not f.sct and f.against("engine-match"),
        "Intercepted: the path is public, but the leaf was minted by an intercepting proxy.",
        ("engine-match", "sct-missing", "sct-invalid"),
    ),
    VerdictRow(
        "public-path-never-logged",
        "intercepted",
        lambda f: (
            f.public_path
            and not f.sct
            and not f.internal
            and f.against("ct-issuer-unknown")
            and f.against("sct-missing", "sct-invalid")
        ),
        "Intercepted: a public CA's key signed a leaf that no log ever saw.",
        ("ct-issuer-unknown", "sct-missing", "sct-invalid"),
    ),
    VerdictRow(
        "pin-matched",
        "direct",
        lambda f: (
            f.completed and "pin-match" in f.by_id and f.by_id["pin-match"].strength == "proof"
        ),
        "Direct: the peer holds the key that is pinned for the host.",
        ("pin-match",),
    ),
    VerdictRow(
        "pin-mismatch",
        "suspect",
        lambda f: "pin-mismatch" in f.by_id,
        "Suspect: none of the host's pinned keys was shown; a renewal would look the same.",
        ("pin-mismatch", "sct-verified", "path-public"),
    ),
    VerdictRow(
        "other-name",
        "suspect",
        lambda f: f.other_name,
        "Suspect: the certificate is for another name; a misconfigured server looks the same.",
        ("name-mismatch", "sct-verified", *_PATHS),
    ),
    VerdictRow(
        "logged-leaf",
        "direct",
        lambda f: f.sct and f.public_path and f.completed and f.holds_name,
        "Direct: Certificate Transparency proves it.",
        ("ct-logged", "sct-verified", "path-public"),
    ),
    VerdictRow(
        "logged-leaf-unproven",
        "consistent",
        lambda f: f.sct and f.public_path and f.holds_name,
        "Consistent: the leaf is publicly logged, but no handshake shows who holds its key.",
        ("ct-logged", "sct-verified", "path-public"),
    ),
    VerdictRow(
        "private-expected",
        "private",
        lambda f: (
            not f.public_path
            and (f.internal or f.expected_private)
            and not f.against(*_ODD_ON_INTERNAL)
        ),
        "Private: a private CA, where one is expected.",
        _PATHS,
    ),
    VerdictRow(
        "state-at-home",
        "private",
        lambda f: not f.public_path and f.state_territory,
        "Private: a state's own CA for that state's site.",
        ("state-ca",),
    ),
    VerdictRow(
        "public-and-quiet",
        "consistent",
        lambda f: f.public_path and not f.anything_against(),
        "Consistent: a public chain with nothing against it, and nothing that proves it.",
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
            "sct-invalid",
            "sct-missing",
            "profile-not-public",
            "protocol-downgrade",
            "state-ca",
            *_PATHS,
        ),
    ),
)


def decide(seen: Examination, evidence: tuple[Evidence, ...]) -> Judgement:
    """The verdict over an examined observation. Pure: the same input gives the same output."""
    findings = Findings(seen, evidence)
    row = next(row for row in TABLE if row.holds(findings))
    order = {name: position for position, name in enumerate(row.decides)}
    ranked = sorted(evidence, key=lambda e: order.get(e.id, len(order)))
    intercepted = row.verdict == "intercepted"
    permission = findings.by_id.get("sanctioned")
    return Judgement(
        observation=seen.observation,
        verdict=row.verdict,
        summary=row.summary,
        decided_by=row.name,
        evidence=tuple(ranked),
        sanctioned=intercepted and permission is not None and bool(permission.details["allowed"]),
        interceptor=_interceptor(seen, findings)
        if intercepted or row.name == "left-over"
        else None,
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
