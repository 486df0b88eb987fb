"""legacy-renegotiation: the server does not confirm secure renegotiation (RFC 5746 section 3.4).

OpenSSL 3 and everything built on it then ends the handshake ("unsafe legacy renegotiation disabled").
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    for name in ("tls12-only", "plain", "tls12"):
        trial = clues.trial(name)
        if trial is None or not trial.answered or trial.retry or (trial.version or 0) > 0x0303:
            continue
        if trial.renegotiation:
            return None
        plain = clues.trial("plain")
        newer = plain is not None and plain.version == 0x0304
        text = "The server does not know secure renegotiation; OpenSSL 3 refuses such servers."
        evidence = ("Its ServerHello answers neither renegotiation_info nor its signalling suite.",)
        return Claim("warning" if newer else "error", text, evidence)
    return None
