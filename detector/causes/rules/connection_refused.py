"""connection-refused: a reset answers the first packet (RFC 9293 section 3.10.7.1)."""

from __future__ import annotations

from detector.causes.clues import Clues, Found


def find(clues: Clues) -> Found | None:
    text = clues.failed_with("connection-refused")
    return Found("error", text) if text is not None else None
