"""sni-unrecognized: the server knows nothing of the name that was asked for (RFC 6066 section 3)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues, said


def find(clues: Clues) -> Claim | None:
    plain = clues.trial("plain")
    alert = plain.alert if plain is not None else None
    failure = clues.failure
    if clues.sni is None or (plain is not None and plain.answered):
        return None
    if alert != 112 and (failure is None or failure.cause != "sni-unrecognized"):
        return None
    evidence: tuple[str, ...] = ("It sends the alert unrecognized_name (112).",)
    without = clues.trial("no-sni")
    if without is not None:
        evidence += (f"Without SNI a hello {said(without)}.",)
    return Claim("error", f"The server does not know the name {clues.sni}.", evidence)
