"""connection-refused: a reset answers the first packet (RFC 9293 section 3.10.7.1)."""

from __future__ import annotations

from detector.causes.clues import Clues, Found


def find(clues: Clues) -> Found | None:
    failure = clues.failure
    if failure is None or failure.cause != "connection-refused":
        return None
    return Found("error", f"{failure.text[:1].upper()}{failure.text[1:]}.")
