"""extension-intolerant: an extension that the peer does not know makes it fail (RFC 8446 section 4.2).

Browsers send a false Encrypted ClientHello to everybody (RFC 9849 section 6.2); whoever does not know it must
ignore it. They ask everybody for a stapled OCSP response, too, which a server need not have (RFC 6066 section 8).
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    if clues.cut("plain") and clues.serves("no-status"):
        text = "A hello that asks for a stapled OCSP response, as those of browsers do, ends the handshake."
        return Claim(clues.harm, text, (clues.compared("plain", "no-status"),))
    if not clues.greeted or not clues.fails("ech"):
        return None
    text = (
        "An extension that browsers send to everybody, Encrypted ClientHello, ends the handshake."
    )
    return Claim(clues.harm, text, (clues.compared("ech", "plain"),))
