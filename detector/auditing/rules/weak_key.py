"""weak-root: a trusted key that can be broken (below 112 bits of security, NIST SP 800-57)."""

from __future__ import annotations

from detector.auditing.model import Finding, Level, Place, Root, TrustKnowledge
from detector.auditing.powers import key_strength


def find(root: Root, place: Place, known: TrustKnowledge) -> Finding | None:
    certificate = root.certificate
    strength, enough = key_strength(certificate)
    if enough:
        return None
    # Public programs have retired theirs; an old bundle may still hold one, out of date itself.
    public = certificate.sha256 in known.public
    level: Level = "note" if public and certificate.not_after.date() < known.today else "warning"
    text = f"{certificate.subject_text}: {strength} can be broken."
    remedy = "remove it; update the bundle it came with"
    return Finding("weak-root", level, text, remedy, place.path, certificate.sha256)
