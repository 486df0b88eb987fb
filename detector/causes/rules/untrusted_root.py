"""untrusted-root: the chain ends in a root of no public program (RFC 5280 section 6.1.1)."""

from __future__ import annotations

from detector.causes.barred import barred_issuer
from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    seen = clues.seen
    if seen is None or seen.path.kind != "private":
        return None
    if barred_issuer(seen) is not None:
        return None
    root = seen.path.certificates[-1].subject_text
    expected = seen.is_internal or seen.expected_private is not None
    text = "No public program has the chain's root."
    return Claim("warning" if expected else "error", text, (f"The chain ends at {root}.",))
