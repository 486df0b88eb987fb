"""issuer-impersonated: an issuer bears a public root's name, but not its key.

An honest cross-sign or re-issue of a root keeps the key, and a chain that merely lacks a link ends
at a name that is missing, with nothing to compare. So both are asked: the name equals a public
root's, and either the certificate sent under that name has another key, or the signature does not
verify under any public key of that name.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model import Evidence


def find(seen: Examination, _: Sharing) -> Evidence | None:
    if seen.path.kind in ("public", "local"):
        return None
    public = seen.known.public
    for certificate in seen.path.certificates:
        # The path stopped being public, so no public key of this name signed the certificate.
        if public.named(certificate.issuer) and _is_leaf_or_ca(certificate, seen):
            real = public.named(certificate.issuer)[0]
            text = f"The issuer calls itself {real.subject_text}, but signs with another key."
            details = {"impersonated": real.subject_text, "real_spki_sha256": real.spki_sha256}
            return Evidence("issuer-impersonated", "intercepted", "proof", text, details)
    return None


def _is_leaf_or_ca(certificate: object, seen: Examination) -> bool:
    """Leave out a chain whose link to the root is fine but whose lower part may not issue."""
    from detector.chain.certificate import Certificate
    from detector.chain.signature import is_signed_by

    assert isinstance(certificate, Certificate)
    roots = seen.known.public.named(certificate.issuer)
    return not any(is_signed_by(certificate, root.spki) for root in roots)
