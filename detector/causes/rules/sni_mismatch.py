"""sni-mismatch: the certificate depends on SNI, and the one for no name does not name this host."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.chain.certificate import read_certificate
from detector.errors import CertificateError


def find(clues: Clues) -> Claim | None:
    plain, named = clues.trial("plain"), clues.trial("with-sni")
    if clues.sni is None:
        if named is None or not clues.names_host(named.chain) or clues.names_host(clues.chain):
            return None
        text = "Without SNI the server shows another site's certificate; with it, the right one."
        return Claim("error", text, (f"Shown without SNI: {_subject(clues.chain)}.",))
    without = clues.trial("no-sni")
    if plain is None or without is None or not without.chain or not clues.names_host(plain.chain):
        return None
    if clues.names_host(without.chain):
        return None
    text = f"Clients that do not send SNI are shown another certificate: {_subject(without.chain)}."
    return Claim("note", text)


def _subject(chain: tuple[bytes, ...]) -> str:
    try:
        return read_certificate(chain[0]).subject_text
    except (IndexError, CertificateError):
        return "none that can be read"
