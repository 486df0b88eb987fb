"""self-signed: the leaf is its own issuer (RFC 5280 section 6.1)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    if clues.seen is None or clues.seen.path.kind != "self-signed":
        return None
    return Claim("error", "The certificate is signed by itself.", (clues.seen.leaf.subject_text,))
