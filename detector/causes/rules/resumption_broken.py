"""resumption-broken: a session that the server itself gave out makes the next handshake fail.

RFC 8446 section 2.2 and RFC 5077 section 3.1: a ticket that a server cannot use is ignored.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    if clues.inquiry.resumption != "failed":
        return None
    text = "Clients that come back with the session they were given are turned away."
    return Claim(
        "error", text, ("A full handshake works; resuming its session failed three times.",)
    )
