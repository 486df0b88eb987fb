"""not-tls: what answers is no TLS record (RFC 8446 section 5.1)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.wire.greeting import turns_to_tls


def find(clues: Clues) -> Claim | None:
    text, failure = clues.failed_with("not-tls"), clues.failure
    if text is None or failure is None:
        return None
    turns = turns_to_tls(failure.spoke) if failure.spoke is not None else ()
    asked = clues.observation.target.starttls
    fix = ""
    if asked is not None:
        fix = f"Correct the port, use the one where TLS begins at once, or have STARTTLS turned on in the {asked} server."
    elif turns:
        how = " or ".join(f"--starttls {protocol}" for protocol in turns)
        fix = f"This server turns to TLS on request: use {how}, or its TLS port."
    return Claim("error", text, (), None, fix, web=not fix)
