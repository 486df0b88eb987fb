"""untrusted-root: the chain ends in a root of no public program (RFC 5280 section 6.1.1)."""

from __future__ import annotations

from detector.causes.barred import barred_issuer
from detector.causes.clues import Clues, Found


def find(clues: Clues) -> Found | None:
    seen = clues.seen
    if seen is None or seen.path.kind != "private" or clues.repaired:
        return None
    if barred_issuer(seen) is not None:
        return None
    root = seen.path.certificates[-1].subject_text
    expected = seen.is_internal or seen.expected_private is not None
    text = "No public program has the chain's root."
    return Found("warning" if expected else "error", text, (f"The chain ends at {root}.",))
