"""wrong-usage: a certificate is used for what it was not issued for (RFC 5280 section 4.2.1.12, 4.2.1.9)."""

from __future__ import annotations

from detector.causes.barred import barred_issuer
from detector.causes.clues import Claim, Clues

_NAMES = {
    "1.3.6.1.5.5.7.3.2": "clients",
    "1.3.6.1.5.5.7.3.3": "signing code",
    "1.3.6.1.5.5.7.3.4": "mail",
    "1.3.6.1.5.5.7.3.8": "time stamps",
    "1.3.6.1.5.5.7.3.9": "OCSP",
}
_WHY = {
    "not-a-ca": "it is no CA",
    "key-usage": "its key is not for signing certificates",
    "path-length": "it allows fewer CAs below it",
    "usage": "it is not for servers",
}


def find(clues: Clues) -> Claim | None:
    seen = clues.seen
    if seen is None:
        return None
    if not seen.leaf.may_serve_tls:
        usages = ", ".join(_NAMES.get(usage, usage) for usage in seen.leaf.usages or ())
        return Claim("error", "The certificate is not for servers.", (f"It is for {usages}.",))
    barred = barred_issuer(seen)
    if barred is None or barred[1] not in _WHY:
        return None
    issuer, why = barred
    text = f"{issuer.subject_text} may not issue this certificate: {_WHY[why]}."
    return Claim("error", text)
