"""proxy-header-required: the server wants to be told by a PROXY header whose connection it is (HAProxy's
proxy-protocol.txt).

It closes on whoever begins with TLS, as a load balancer's backend should; the same hello behind such a header is
answered.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues, said
from detector.causes.plan import BEHIND_HEADER


def find(clues: Clues) -> Claim | None:
    plain = clues.trial("plain")
    if plain is None or not clues.answers(BEHIND_HEADER):
        return None
    text = "The server waits for a PROXY header in front of the ClientHello, as its load balancer sends one."
    evidence = (f"A hello {said(plain)}; behind a PROXY header it is answered.",)
    return Claim("error", text, evidence)
