"""issuer-impersonated: an issuer bears a public root's name, but not its key.

An honest cross-sign or re-issue of a root keeps the key, and a chain that merely lacks a link ends
at a name that is missing, with nothing to compare. So both are asked: the name equals a public
root's, and either the certificate sent under that name has another key, or the signature does not
verify under any public key of that name.
"""

from __future__ import annotations

from detector.chain.signature import is_signed_by
from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence


def find(seen: Examination, _: Sharing) -> Evidence | None:
    if seen.path.kind in ("public", "local"):
        return None
    for certificate in seen.path.certificates:
        roots = seen.known.public.named(certificate.issuer)
        # A root of that name that did sign it leaves a chain whose lower part may not issue: that
        # is a broken chain, not a borrowed name.
        if roots and not any(is_signed_by(certificate, root.spki) for root in roots):
            real = roots[0]
            text = f"The issuer calls itself {real.subject_text}, but signs with another key."
            details = {"impersonated": real.subject_text, "real_spki_sha256": real.spki_sha256}
            return Evidence("issuer-impersonated", "intercepted", "proof", text, details)
    return None
