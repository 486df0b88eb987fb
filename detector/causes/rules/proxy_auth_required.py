"""proxy-auth-required: the proxy wants to know who asks (RFC 9110 section 15.5.8)."""

from __future__ import annotations

from detector.causes.clues import Clues, Found


def find(clues: Clues) -> Found | None:
    text = clues.failed_with("proxy-auth-required")
    return Found("error", text, clues.past_the_proxy) if text is not None else None
