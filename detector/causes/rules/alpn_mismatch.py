"""alpn-mismatch: client and server have no application protocol in common (RFC 7301 section 3.2)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    plain = clues.trial("plain")
    if plain is None or plain.answered or not clues.answers("no-alpn"):
        return None
    text = "The server speaks none of the protocols that were offered, h2 and http/1.1."
    return Claim("error", text, (clues.compared("plain", "no-alpn"),))
