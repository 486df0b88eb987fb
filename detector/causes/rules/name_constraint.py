"""name-constraint: a CA above the leaf may not issue for that name (RFC 5280 section 4.2.1.10)."""

from __future__ import annotations

from detector.causes.barred import barred_issuer
from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    barred = None if clues.seen is None else barred_issuer(clues.seen)
    if barred is None or barred[1] != "name-constraint":
        return None
    text = f"{barred[0].subject_text} may not issue for {clues.host}."
    return Claim("error", text, ("Its certificate says so in its name constraints.",))
