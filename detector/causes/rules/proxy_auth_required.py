"""proxy-auth-required: the proxy wants to know who asks (RFC 9110 section 15.5.8, RFC 1928 section 3)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.causes.through_proxy import claim


def find(clues: Clues) -> Claim | None:
    text = clues.failed_with("proxy-auth-required")
    if text is None:
        return None
    return claim(clues, "proxy-auth-required") or Claim("error", text, clues.past_the_proxy)
