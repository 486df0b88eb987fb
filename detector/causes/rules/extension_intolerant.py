"""extension-intolerant: an extension that the peer does not know makes it fail (RFC 8446 section 4.2).

Browsers send a false Encrypted ClientHello to everybody (RFC 9849 section 6.2); whoever does not know it must
ignore it.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    if not clues.greeted or not clues.fails("ech"):
        return None
    text = (
        "An extension that browsers send to everybody, Encrypted ClientHello, ends the handshake."
    )
    return Claim(clues.harm, text, (clues.compared("ech", "plain"),))
