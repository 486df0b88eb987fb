"""connection-reset: somebody resets the connection during the handshake (RFC 9293 section 3.5.2).

A reset that comes much sooner than the way to the server and back takes was sent by somebody nearer.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.causes.through_proxy import claim


def find(clues: Clues) -> Claim | None:
    text = clues.failed_with("connection-reset") or clues.shunned("reset")
    if text is None:
        return None
    behind = claim(clues, "connection-reset")
    if behind is not None:
        return behind
    evidence = [*clues.flips_told]
    fix = ""
    way, reset = clues.observation.ms.get("connect", 0.0), clues.observation.ms.get("tls", 0.0)
    if way > 5 and reset < way / 2:
        evidence.append(
            f"The reset came after {reset:g} ms, connecting took {way:g} ms: it was sent nearby."
        )
    if any(change.base in ("other-sni", "no-sni") for change in clues.flips):
        evidence.append("It depends on the name: a filter on the way reads SNI.")
        fix = "A filter on the way lets this name not pass; ask who runs it."
    return Claim("error", text, tuple(evidence), None, fix)
