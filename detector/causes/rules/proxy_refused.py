"""proxy-refused: the proxy opens no tunnel (RFC 9110 section 9.3.6, RFC 1928 section 6)."""

from __future__ import annotations

from detector.causes.clues import Clues, Found


def find(clues: Clues) -> Found | None:
    text = clues.failed_with("proxy-refused")
    return Found("error", text, clues.past_the_proxy) if text is not None else None
