"""malformed-handshake: what comes is framed as TLS and makes no sense (RFC 8446 section 6.2)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    text = clues.failed_with("malformed-handshake")
    if text is None:
        return None
    garbled = [t for t in clues.trials.values() if t.outcome == "malformed"]
    evidence = (f"{len(garbled)} of {len(clues.trials)} hellos get bytes that break the protocol.",)
    return Claim("error", text, evidence if garbled else ())
