"""dns-failure: the name does not resolve (RFC 1035)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    text = clues.failed_with("dns-failure")
    return Claim("error", text) if text is not None else None
