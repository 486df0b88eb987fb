"""must-staple-missing: the certificate promises a stapled OCSP response that does not come (RFC 7633)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.causes.revocation import promises_staple, stapled


def find(clues: Clues) -> Claim | None:
    seen = clues.seen
    if seen is None or not promises_staple(seen.leaf):
        return None
    staple = clues.staple
    if staple is None:
        text = "The certificate demands a stapled OCSP response, and the server sends none."
        return Claim(
            "error", text, ("Firefox and GnuTLS end the handshake; Chromium does not look.",)
        )
    state = stapled(clues, staple)
    if state.status in ("good", "revoked"):
        return None
    return Claim("error", f"The stapled OCSP response will not do: {state.reason}.")
