"""wrong-issuer: the issuer that was sent did not sign the certificate below it (RFC 5280 section 6.1.3, step a.1).

Either the certificate was changed after it was signed, or another certificate of the same CA was sent, for another of
its keys. The key identifiers tell which (section 4.2.1.1): they are copied, not signed for.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.causes.unsigned import unsigned_below


def find(clues: Clues) -> Claim | None:
    seen = clues.seen
    found = unsigned_below(seen) if seen is not None else None
    if seen is None or found is None or clues.repaired:
        return None
    child, issuer = found
    whose = "this leaf" if child == seen.leaf else child.subject_text
    text = f"The issuer that was sent, {issuer.subject_text}, did not sign {whose}."
    wanted, has = child.authority_key_id, issuer.subject_key_id
    if wanted is None or has is None:
        return Claim("error", text, clues.fetch_problems)
    if wanted == has:
        same = "It has the key that the certificate names: the certificate was changed after it was signed."
        return Claim(
            "error", text, (same,), None, "Install the certificate again as the CA gave it."
        )
    other = "The certificate names another key of that issuer."
    fix = "Send the CA's certificate for the key that signed, as its fullchain.pem has it."
    return Claim("error", text, (other, *clues.fetch_problems), None, fix)
