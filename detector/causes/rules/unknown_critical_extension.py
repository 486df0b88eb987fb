"""unknown-critical-extension: a critical extension that programs do not know, so that they must refuse (RFC 5280
section 4.2). A precertificate has one on purpose, so that nobody takes it for a certificate (RFC 6962 section 3.1).
"""

from __future__ import annotations

from detector.causes.barred import barred_issuer
from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    seen = clues.seen
    if seen is None:
        return None
    barred = barred_issuer(seen)
    above = () if barred is None else barred[:1]
    odd = next((c for c in (*seen.path.certificates, *above) if c.unheeded), None)
    if odd is None:
        return None
    if "POISON" in odd.unheeded:
        text = "What is sent is a precertificate, made for logs alone."
        return Claim("error", text, ("Its poison extension makes every client refuse it.",))
    whose = "The certificate has" if odd == seen.leaf else f"{odd.subject_text} has"
    text = f"{whose} a critical extension that clients do not know."
    return Claim("error", text, (f"It is {', '.join(odd.unheeded)}.",))
