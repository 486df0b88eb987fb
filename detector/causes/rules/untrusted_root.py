"""untrusted-root: the chain ends in a root of no public program (RFC 5280 section 6.1.1)."""

from __future__ import annotations

from detector.causes.barred import barred_issuer
from detector.causes.clues import Clues, Found


def find(clues: Clues) -> Found | None:
    seen = clues.seen
    if seen is None or seen.path.kind not in ("private", "incomplete"):
        return None
    if clues.repaired or (seen.path.kind == "incomplete" and seen.looks_public):
        return None
    if barred_issuer(seen) is not None:
        return None
    top = seen.path.certificates[-1]
    root = top.subject_text if seen.path.kind == "private" else top.issuer_text
    expected = seen.is_internal or seen.expected_private is not None
    text = "No public program has the chain's root."
    return Found("warning" if expected else "error", text, (f"The chain ends at {root}.",))
