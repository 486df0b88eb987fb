"""A CA that signed what is below it, and was not allowed to."""

from __future__ import annotations

from collections.abc import Iterator

from detector.chain.certificate import Certificate
from detector.chain.issuing import Refusal, why_not, why_not_anchor
from detector.chain.name_matching import same_name
from detector.chain.path import MAX_DEPTH
from detector.chain.signature import is_signed_by
from detector.evidence.examination import Examination


def barred_issuer(seen: Examination) -> tuple[Certificate, Refusal] | None:
    """The first such CA above the leaf with the reason; None on public paths and where all is well."""
    if seen.path.kind in ("public", "local", "self-signed"):
        return None
    path: tuple[Certificate, ...] = (seen.leaf,)
    while len(path) < MAX_DEPTH:
        above = _above(seen, path)
        if above is None:
            return None
        issuer, why = above
        if why is not None and (why != "not-a-ca" or issuer.basic_constraints is not None):
            return issuer, why
        path = (*path, issuer)
    return None


def _above(
    seen: Examination, path: tuple[Certificate, ...]
) -> tuple[Certificate, Refusal | None] | None:
    """Who signed the last of `path`, and why it may not have; None where nobody here did."""
    last = path[-1]
    for issuer in _named(seen, last):
        if issuer not in path and is_signed_by(last, issuer.spki):
            trusted = seen.known.public.is_anchor(issuer, leaf=False)
            return issuer, (why_not_anchor if trusted else why_not)(issuer, path, seen.host)
    return None


def _named(seen: Examination, child: Certificate) -> Iterator[Certificate]:
    yield from (c for c in seen.sent[1:] if same_name(c.subject, child.issuer))
    yield from seen.known.public.named(child.issuer)
