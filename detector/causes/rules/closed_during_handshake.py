"""closed-during-handshake: the peer closes without a word (RFC 8446 section 6.1 asks for one)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    text = clues.failed_with("closed-during-handshake") or clues.shunned("closed")
    return Claim("error", text, clues.flips_told) if text is not None else None
