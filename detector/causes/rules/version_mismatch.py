"""version-mismatch: no version of TLS that a client of today speaks (RFC 8996, RFC 8446 section 4.2.1)."""

from __future__ import annotations

from detector.causes.clues import Clues, Found
from detector.wire.registry import version_text

_OFFERS = ("tls11", "tls10", "ssl3")


def find(clues: Clues) -> Found | None:
    text = clues.failed_with("version-mismatch")
    if not clues.trials:
        return Found("error", text) if text is not None else None
    if any(clues.serves(name) for name in ("plain", "tls12-only", "tls13", "tls12", "anything")):
        return None
    versions = {clues.trials[name].version or 0 for name in _OFFERS if clues.answers(name)}
    spoken = [version_text(version) for version in sorted(versions, reverse=True)]
    plain = clues.trial("plain")
    if not spoken:
        refused = plain is not None and plain.alert == 70
        if not refused and text is None:
            return None
        return Found("error", "The server refuses every version of TLS that it was offered.")
    evidence = (f"Answered: {', '.join(spoken)}. Not answered: TLS 1.2 and TLS 1.3.",)
    text = f"The server speaks nothing later than {spoken[0]}; clients of today begin at TLS 1.2."
    return Found("error", text, evidence)
