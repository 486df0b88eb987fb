"""intermediate-expired: a CA certificate between leaf and root is out of date (RFC 5280 section 6.1.3)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    if clues.seen is None or not clues.dated:
        return None
    expired = clues.seen.path.expired(clues.at)
    if not expired:
        return None
    days = f"{expired[0].not_before:%Y-%m-%d} to {expired[0].not_after:%Y-%m-%d}"
    text = f"{expired[0].subject_text} is out of date."
    return Claim(
        "error", text, (f"It was valid from {days}; the leaf itself may well be in date.",)
    )
