"""other-alert: an alert that none of the other rules explains (RFC 8446 section 6.2)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    text = clues.failed_with("other-alert", "no-shared-cipher") or clues.shunned("alert")
    return Claim("error", text, clues.flips_told) if text is not None else None
