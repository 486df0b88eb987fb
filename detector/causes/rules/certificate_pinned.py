"""certificate-pinned: the host's pinned key is not on the path (RFC 7469 section 2.6)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    for evidence in clues.judgement.evidence:
        if evidence.id == "pin-mismatch":
            return Claim("error", evidence.text, ("A client that pins ends the handshake here.",))
    return None
