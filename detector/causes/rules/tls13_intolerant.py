"""tls13-intolerant: TLS 1.3 may not even be offered (RFC 8446 section 4.1.2 and appendix D.4).

A server that does not know TLS 1.3 must answer with TLS 1.2; one that resets, or says protocol_version,
is broken, or something before it is. One that says handshake_failure knows it, and has nothing to go on with there:
GnuTLS at SECURE256 with a P-256 certificate, whose only signature algorithm in TLS 1.3 that level forbids.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.model.observation import Party

_NOTHING_FITS = (40, 71)  # handshake_failure, insufficient_security
_FIX = (
    "Let the server's groups and signature algorithms fit its certificate under TLS 1.3 (a P-256 key signs with"
    " ecdsa_secp256r1_sha256 alone), or let it speak TLS 1.2 only."
)
_STRIPPED = "Find the gateway on the way that rewrites hellos, and update it; until then let the client offer TLS 1.2 at most."


def find(clues: Clues) -> Claim | None:
    stripped = clues.failed_with("tls13-intolerant")
    if stripped is not None:
        return Claim("error", stripped, _how_met(clues), "network", _STRIPPED)
    if clues.welcome or not clues.fails("plain") or not clues.serves("tls12-only"):
        return None
    plain = clues.trials["plain"]
    if plain.outcome == "alert" and plain.alert not in (70, 10, 47, 50, 109, 110, *_NOTHING_FITS):
        return None
    if clues.serves("all-suites") or clues.serves("all-groups") or clues.serves("all-schemes"):
        return None
    text = "Offering TLS 1.3 ends the handshake; TLS 1.2 alone is answered."
    fix = _FIX if plain.outcome == "alert" and plain.alert in _NOTHING_FITS else ""
    party: Party = "server" if plain.outcome == "alert" else "network"
    return Claim("error", text, (clues.compared("plain", "tls12-only"),), party, fix)


def _how_met(clues: Clues) -> tuple[str, ...]:
    """RFC 8446 section 4.1.3: the client ends such a handshake."""
    told = (
        "OpenSSL, Go and browsers end such a handshake (inappropriate fallback, illegal_parameter).",
    )
    return (*told, *clues.past_the_proxy)
