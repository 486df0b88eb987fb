"""proxy-auth-required: the proxy wants to know who asks (RFC 9110 section 15.5.8)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    text = clues.failed_with("proxy-auth-required")
    return Claim("error", text, clues.past_the_proxy) if text is not None else None
