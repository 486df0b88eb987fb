"""proxy-auth-required: the proxy wants to know who asks (RFC 9110 section 15.5.8)."""

from __future__ import annotations

from detector.causes.clues import Clues, Found, said


def find(clues: Clues) -> Found | None:
    failure = clues.failure
    if failure is None or failure.cause != "proxy-auth-required":
        return None
    direct = clues.inquiry.direct
    evidence: tuple[str, ...] = ()
    if direct is not None:
        evidence = (f"Past the proxy, a hello {said(direct)}.",)
    return Found("error", f"{failure.text[:1].upper()}{failure.text[1:]}.", evidence)
