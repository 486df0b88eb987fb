"""certificate-revoked: the CA has taken the certificate back (RFC 6960, RFC 5280 section 5).

Read from a stapled OCSP response, from the CA's responder, or from its list, in this order; each must be
signed by the issuer or by whom the issuer lets sign.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.causes.revocation import revocation_states


def find(clues: Clues) -> Claim | None:
    if clues.seen is None:
        return None
    for state in revocation_states(clues):
        if state.status == "revoked":
            when = f" on {state.since:%Y-%m-%d}" if state.since is not None else ""
            why = f", reason {state.reason}" if state.reason else ""
            evidence = [f"{state.source} says so, signed by the CA."]
            if state.source != "The stapled OCSP response":
                evidence.append(
                    "Clients that do not ask the CA go on; browsers with a list of their own fail."
                )
            return Claim("error", f"The CA revoked the certificate{when}{why}.", tuple(evidence))
    return None
