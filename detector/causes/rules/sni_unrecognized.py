"""sni-unrecognized: the server knows nothing of the name that was asked for (RFC 6066 section 3).

Caddy and everything that Go's crypto/tls serves says so with internal_error, which means many things. Where the
same server judges a hello's version as it should, it got as far as looking for a certificate, and found none.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues, said

_INTERNAL_ERROR, _PROTOCOL_VERSION = 80, 70
_OLD = ("tls11", "tls10", "ssl3")


def find(clues: Clues) -> Claim | None:
    alert = clues.heard.alert if clues.heard is not None else None
    failure = clues.failure
    if clues.sni is None or clues.answers("browser") or clues.answers("plain"):
        return None
    if alert == _INTERNAL_ERROR:
        return _no_certificate(clues)
    if alert != 112 and (failure is None or failure.cause != "sni-unrecognized"):
        return None
    evidence: tuple[str, ...] = ("It sends the alert unrecognized_name (112).",)
    without = clues.trial("no-sni")
    if without is not None:
        evidence += (f"Without SNI a hello {said(without)}.",)
    return Claim("error", f"The server does not know the name {clues.sni}.", evidence)


def _no_certificate(clues: Clues) -> Claim | None:
    judged = [
        name
        for name in _OLD
        if name in clues.trials and clues.trials[name].alert == _PROTOCOL_VERSION
    ]
    answered = [name for name in ("no-sni", "other-sni") if clues.answers(name)]
    if not judged and not answered:
        return None
    text = f"The server has no certificate for the name {clues.sni}: it says internal_error, as Caddy and Go do then."
    evidence = tuple(
        f"{who} a hello {said(clues.trials[name])}."
        for name, who in (("no-sni", "Without SNI"), ("other-sni", "With another name"))
        if name in clues.trials
    )
    if judged:
        evidence += (
            "Hellos of old versions get protocol_version (70): others are looked into, up to the name.",
        )
    return Claim("error", text, evidence)
