"""expired-root: a trusted root that is out of date. Public ones are harmless leftovers of a bundle."""

from __future__ import annotations

from detector.auditing.model import Finding, Level, Place, Root, TrustKnowledge


def find(root: Root, place: Place, known: TrustKnowledge) -> Finding | None:
    certificate = root.certificate
    day = certificate.not_after.date()
    if day >= known.today:
        return None
    level: Level = "note" if certificate.sha256 in known.public else "warning"
    text = f"{certificate.subject_text}: expired on {day.isoformat()}."
    remedy = "update the bundle" if level == "note" else "remove it, or put the next one in place"
    return Finding("expired-root", level, text, remedy, place.path, certificate.sha256)
