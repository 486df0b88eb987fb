"""post-quantum-intolerant: a group that the peer does not know makes it fail, where it should be ignored.

RFC 8446 section 4.2.7: a server picks from the list what it knows.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    if not clues.greeted or not clues.fails("browser") or clues.fails("ech"):
        return None
    if not clues.serves("large"):
        return None  # it is the size
    text = "Offering the post-quantum group X25519MLKEM768 ends the handshake."
    return Claim("error", text, (clues.compared("browser", "plain"),))
