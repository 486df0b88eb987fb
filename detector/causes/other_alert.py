"""other-alert: an alert that none of the other rules explains (RFC 8446 section 6.2)."""

from __future__ import annotations

from detector.causes.clues import Clues, Found, told


def find(clues: Clues) -> Found | None:
    failure = clues.failure
    if failure is None or failure.cause not in ("other-alert", "no-shared-cipher"):
        return None
    return Found(
        "error",
        f"{failure.text[:1].upper()}{failure.text[1:]}.",
        tuple(told(change, clues.trials) for change in clues.flips),
    )
