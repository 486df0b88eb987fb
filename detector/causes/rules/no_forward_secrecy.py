"""no-forward-secrecy: whoever gets the server's key later reads what was recorded (RFC 9325 section 4.1)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.wire.suites import has_forward_secrecy, suite_name


def find(clues: Clues) -> Claim | None:
    plain = clues.trial("plain")
    if plain is None or not plain.answered or plain.version == 0x0304 or plain.cipher is None:
        return None
    if has_forward_secrecy(plain.cipher) or clues.answers("forward-secret"):
        return None
    text = f"Every suite that the server agrees to, like {suite_name(plain.cipher)}, uses its long-lived key."
    return Claim("warning", text, ("No suite with ECDHE or DHE is answered.",))
