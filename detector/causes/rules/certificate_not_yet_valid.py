"""certificate-not-yet-valid: the leaf's time has not come (RFC 5280 section 4.1.2.5)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    seen = clues.seen
    if seen is None or clues.at >= seen.leaf.not_before or not clues.dated:
        return None
    text = f"The certificate is valid from {seen.leaf.not_before:%Y-%m-%d}."
    evidence = f"{clues.clock[:1].upper()}{clues.clock[1:]} says {clues.at:%Y-%m-%d %H:%M} UTC."
    return Claim("error", text, (evidence,))
