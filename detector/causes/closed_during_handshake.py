"""closed-during-handshake: the peer closes without a word (RFC 8446 section 6.1 asks for one)."""

from __future__ import annotations

from detector.causes.clues import Clues, Found, told


def find(clues: Clues) -> Found | None:
    failure = clues.failure
    if (
        failure is None
        or failure.cause != "closed-during-handshake"
        or failure.step in ("dns", "tcp")
    ):
        return None
    evidence = tuple(told(change, clues.trials) for change in clues.flips)
    return Found("error", f"{failure.text[:1].upper()}{failure.text[1:]}.", evidence)
