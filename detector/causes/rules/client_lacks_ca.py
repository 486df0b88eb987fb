"""client-lacks-ca: the root is public, but this machine's own store does not hold it (RFC 5280 6.1.1).

Of a capture's clients only what they said is known, not their stores: it does not apply.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    seen, local = clues.seen, clues.known.local
    if seen is None or local is None or clues.observation.captured or not seen.is_public_path:
        return None
    root = seen.path.certificates[-1]
    if any(
        anchor.spki == root.spki
        for c in seen.path.certificates
        for anchor in local.named(c.subject)
    ):
        return None
    if any(local.named(c.issuer) for c in seen.path.certificates):
        return None
    if not len(local):
        text = "This machine's own store of roots is empty or missing."
        return Claim("warning", text, ("The server's chain is public.",))
    text = f"This machine's own store does not hold {root.subject_text}."
    return Claim("warning", text, ("The server's chain is public by Mozilla's list.",))
