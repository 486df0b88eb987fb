"""ct-policy: a public certificate that no log vouches for (RFC 6962; Chrome's and Apple's CT policies)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    for evidence in clues.judgement.evidence:
        if evidence.id != "sct-missing" or evidence.points == "neutral":
            continue  # neutral: nobody looked whether they come in the handshake
        if clues.judgement.verdict != "intercepted":
            text = "The certificate carries no proof that it is publicly logged."
            return Claim(
                "warning",
                text,
                ("Chrome, Edge and Safari refuse it; curl and Firefox do not ask.",),
            )
    return None
