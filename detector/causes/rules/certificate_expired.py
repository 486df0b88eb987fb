"""certificate-expired: the leaf's time is over (RFC 5280 section 4.1.2.5)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    seen = clues.seen
    if seen is None or clues.at.replace(microsecond=0) <= seen.leaf.not_after:
        return None
    days = (clues.at - seen.leaf.not_after).days
    text = f"The certificate expired on {seen.leaf.not_after:%Y-%m-%d}."
    return Claim("error", text, (f"That is {days} days ago by {clues.clock}.",))
