"""local-root: the store trusts a root that no public program has or had.

The key counts, not the certificate: programs also hold other certificates of the same key. What a
public root signed is an intermediate, not a root of somebody's own.
"""

from __future__ import annotations

from detector.auditing.model import Finding, Level, Place, Root, TrustKnowledge
from detector.auditing.powers import can_intercept, powers
from detector.chain.signature import is_signed_by


def find(root: Root, place: Place, known: TrustKnowledge) -> Finding | None:
    certificate = root.certificate
    anchors = known.known.public
    if certificate.sha256 in known.public or anchors.has_key(certificate.spki_sha256):
        return None
    if any(is_signed_by(certificate, anchor.spki) for anchor in anchors.named(certificate.issuer)):
        return None
    name = certificate.subject_text
    policy = known.known.policy
    declared = [p.spki for p in policy.private] + [s.spki for s in policy.sanctioned]
    text = f"{name}: no public program has this root; it can {powers(certificate)}."
    if certificate.spki_sha256 in declared:
        return Finding(
            "local-root", "note", f"{text} The policy declares it.", "", place.path,
            certificate.sha256,
        )  # fmt: skip
    level: Level = "warning" if can_intercept(certificate) else "note"
    remedy = "find out who put it there; if it is yours, list its key in the policy"
    return Finding("local-root", level, text, remedy, place.path, certificate.sha256)
