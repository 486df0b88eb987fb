"""tls13-intolerant: TLS 1.3 may not even be offered (RFC 8446 section 4.1.2 and appendix D.4).

A server that does not know TLS 1.3 must answer with TLS 1.2; one that resets, or says protocol_version,
is broken, or something before it is.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.model.observation import Party


def find(clues: Clues) -> Claim | None:
    if clues.greeted or not clues.fails("plain") or not clues.serves("tls12-only"):
        return None
    plain = clues.trials["plain"]
    if plain.outcome == "alert" and plain.alert not in (70, 10, 47, 50, 109, 110):
        return None
    if clues.serves("all-suites") or clues.serves("all-groups") or clues.serves("all-schemes"):
        return None
    text = "Offering TLS 1.3 ends the handshake; TLS 1.2 alone is answered."
    party: Party = "server" if plain.outcome == "alert" else "network"
    return Claim("error", text, (clues.compared("plain", "tls12-only"),), party)
