"""A CA that was sent, signed what is below it, and was not allowed to."""

from __future__ import annotations

from detector.chain.certificate import Certificate
from detector.chain.path import MAX_DEPTH, Refusal, why_not
from detector.chain.signature import is_signed_by
from detector.evidence.examination import Examination


def barred_issuer(seen: Examination) -> tuple[Certificate, Refusal] | None:
    """The first such CA above the leaf with the reason; None on public paths and where all is well."""
    if seen.path.kind in ("public", "local", "self-signed"):
        return None
    below: Certificate = seen.leaf
    for depth in range(1, MAX_DEPTH):
        issuer = next(
            (c for c in seen.sent[1:] if c.subject == below.issuer and is_signed_by(below, c.spki)),
            None,
        )
        if issuer is None or issuer == below:
            return None
        why = why_not(issuer, depth, seen.host)
        if why is not None and (why != "not-a-ca" or issuer.basic_constraints is not None):
            return issuer, why
        below = issuer
    return None
