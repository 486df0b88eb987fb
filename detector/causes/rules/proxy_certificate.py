"""proxy-certificate: an https:// proxy shows a certificate that is not trusted (RFC 9110 section 4.3.4).

It is the proxy's own: nothing was asked of any server yet.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.causes.through_proxy import claim


def find(clues: Clues) -> Claim | None:
    text = clues.failed_with("proxy-certificate")
    if text is None:
        return None
    return claim(clues, "proxy-certificate") or Claim("error", text, clues.past_the_proxy)
