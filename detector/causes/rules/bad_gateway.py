"""bad-gateway: the proxy tried and could not reach the server (RFC 9110 sections 15.6.3 and 15.6.4).

Which of name, way and server it was, it does not say; where it does, that is the cause.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.causes.through_proxy import claim


def find(clues: Clues) -> Claim | None:
    text = clues.failed_with("bad-gateway")
    if text is None:
        return None
    return claim(clues, "bad-gateway") or Claim("error", text, clues.past_the_proxy)
