"""dns-failure: the name does not resolve (RFC 1035): here, or where the proxy asks."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.causes.through_proxy import claim


def find(clues: Clues) -> Claim | None:
    text = clues.failed_with("dns-failure")
    if text is None:
        return None
    return claim(clues, "dns-failure") or Claim("error", text)
