"""proxy-refused: the proxy opens no tunnel (RFC 9110 section 9.3.6, RFC 1928 section 6)."""

from __future__ import annotations

from detector.causes.clues import Clues, Found, said


def find(clues: Clues) -> Found | None:
    failure = clues.failure
    if failure is None or failure.cause != "proxy-refused":
        return None
    direct = clues.inquiry.direct
    evidence: tuple[str, ...] = ()
    if direct is not None:
        evidence = (f"Past the proxy, a hello {said(direct)}.",)
    return Found("error", f"{failure.text[:1].upper()}{failure.text[1:]}.", evidence)
