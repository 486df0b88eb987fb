"""connection-refused: a reset answers the first packet (RFC 9293 section 3.10.7.1).

Behind a proxy it is the proxy that was dialled, and the server is to blame only where the proxy says so.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.causes.through_proxy import claim


def find(clues: Clues) -> Claim | None:
    text = clues.failed_with("connection-refused")
    if text is None:
        return None
    return claim(clues, "connection-refused") or Claim("error", text)
