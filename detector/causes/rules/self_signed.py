"""self-signed: the leaf is its own issuer (RFC 5280 section 6.1)."""

from __future__ import annotations

from detector.causes.clues import Clues, Found


def find(clues: Clues) -> Found | None:
    if clues.seen is None or clues.seen.path.kind != "self-signed":
        return None
    return Found("error", "The certificate is signed by itself.", (clues.seen.leaf.subject_text,))
