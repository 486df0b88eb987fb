"""tls-intercepted: somebody stands in between; the verdict says who."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    judgement = clues.judgement
    if judgement.verdict != "intercepted":
        return None
    telling = tuple(e.text for e in judgement.evidence if e.points == "intercepted")[:3]
    direct = clues.inquiry.direct
    if direct is not None and direct.chain and direct.chain[0] != clues.chain[0]:
        telling += ("Past the proxy the server shows another certificate.",)
    fix = ""
    if judgement.sanctioned:
        fix = "The policy allows this; the client must trust the interceptor's root."
    return Claim("error", judgement.summary, telling, None, fix)
