"""proxy-refused: the proxy opens no tunnel (RFC 9110 section 9.3.6, RFC 1928 section 6)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.causes.through_proxy import claim


def find(clues: Clues) -> Claim | None:
    text = clues.failed_with("proxy-refused")
    if text is None:
        return None
    return claim(clues, "proxy-refused") or Claim("error", text, clues.past_the_proxy)
