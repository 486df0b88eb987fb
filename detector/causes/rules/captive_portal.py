"""captive-portal: the network answers in the server's place and wants a log-in (RFC 8910, RFC 8952)."""

from __future__ import annotations

from detector.causes.clues import Clues, Found


def find(clues: Clues) -> Found | None:
    text = clues.failed_with("captive-portal")
    if text is not None:
        return Found("error", text)
    if clues.status == 511:
        return Found("error", "The answer is 511 Network Authentication Required (RFC 6585).")
    return None
