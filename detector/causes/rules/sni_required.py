"""sni-required: without a server name the server does not answer (RFC 6066 section 3)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues, said


def find(clues: Clues) -> Claim | None:
    plain, named = clues.trial("plain"), clues.trial("with-sni")
    if clues.sni is None:
        if plain is None or plain.answered or named is None or not named.answered:
            return None
        evidence = (f"Without SNI a hello {said(plain)}; with it, it {said(named)}.",)
        return Claim("error", "The server answers only clients that name it.", evidence)
    without = clues.trial("no-sni")
    if not clues.greeted or without is None or without.answered or without.outcome == "unreachable":
        return None
    text = f"Clients that do not send SNI are refused: their hello {said(without)}."
    return Claim("note", text)
