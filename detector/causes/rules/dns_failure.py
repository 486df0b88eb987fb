"""dns-failure: the name does not resolve (RFC 1035)."""

from __future__ import annotations

from detector.causes.clues import Clues, Found


def find(clues: Clues) -> Found | None:
    text = clues.failed_with("dns-failure")
    return Found("error", text) if text is not None else None
