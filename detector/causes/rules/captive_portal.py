"""captive-portal: the network answers in the server's place and wants a log-in (RFC 8910, RFC 8952)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.causes.through_proxy import claim


def find(clues: Clues) -> Claim | None:
    text = clues.failed_with("captive-portal")
    if text is not None:
        return claim(clues, "captive-portal") or Claim("error", text)
    if clues.status == 511:
        return Claim("error", "The answer is 511 Network Authentication Required (RFC 6585).")
    if any(e.id == "one-leaf-for-all" for e in clues.judgement.evidence):
        text = "One page answers for several sites, and its certificate names none of them: a portal, a block page"
        return Claim("warning", f"{text} or a sinkhole. Log in, then ask again.")
    return None
