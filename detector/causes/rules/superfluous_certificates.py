"""superfluous-certificates: certificates are sent that nobody needs (RFC 8446 section 4.4.2).

The root must be known to the client anyway; strangers only make the handshake longer.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    seen = clues.seen
    if seen is None or not seen.is_public_path:
        return None
    path = seen.path.certificates
    strangers = [c for c in seen.sent[1:] if c not in path]
    root = [c for c in seen.sent[1:] if c.is_self_issued and c in path[-1:]]
    repeated = len(seen.observation.chain) - len(set(seen.observation.chain))
    cross = {c.subject for c in path}
    strangers = [c for c in strangers if c.subject not in cross]
    if not strangers and not root and not repeated:
        return None
    names = ", ".join(c.subject_text for c in (*root, *strangers)[:4]) or "the same one again"
    size = sum(len(c.der) for c in (*root, *strangers))
    return Claim(
        "note",
        f"The server sends certificates that no client needs: {names}.",
        (f"They make each handshake {size} bytes longer.",),
    )
