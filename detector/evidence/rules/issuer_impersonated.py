"""issuer-impersonated: an issuer bears a public root's name, but not its key.

An honest cross-sign or re-issue of a root keeps the key, and a chain that merely lacks a link ends
at a name that is missing, with nothing to compare. So both are asked: the name equals a public
root's, and the signature is refuted under every public key of that name. A signature that cannot be
checked, of an algorithm or a certificate unknown here, refutes nothing.

Proof needs the other key as well, because damage refutes a signature too: the key that did sign is
there, or the certificate names it (authority key identifier, RFC 5280 section 4.2.1.1), or no public
root of the name makes signatures of that kind and size. Without any of these the finding is weak.
"""

from __future__ import annotations

from collections.abc import Sequence

from detector.chain.certificate import Certificate
from detector.chain.signature import check_signature, fits_key, is_signed_by
from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence


def find(seen: Examination, _: Sharing) -> Evidence | None:
    if seen.path.kind in ("public", "local") or seen.undecided_root:
        return None
    signers = (*seen.path.certificates[1:], None)
    for certificate, signer in zip(seen.path.certificates, signers, strict=True):
        roots = seen.known.public.named(certificate.issuer)
        # A root of that name that did sign it leaves a chain whose lower part may not issue: that
        # is a broken chain, not a borrowed name.
        if not roots or any(check_signature(certificate, r.spki) != "refuted" for r in roots):
            continue
        real = roots[0]
        details = {"impersonated": real.subject_text, "real_spki_sha256": real.spki_sha256}
        if signer is not None or _shows_another_key(certificate, roots):
            text = f"The issuer calls itself {real.subject_text}, but signs with another key."
            return Evidence("issuer-impersonated", "intercepted", "proof", text, details)
        text = f"A signature said to be of {real.subject_text} does not hold: damaged, or forged."
        return Evidence("issuer-impersonated", "intercepted", "weak", text, details)
    return None


def _shows_another_key(certificate: Certificate, roots: Sequence[Certificate]) -> bool:
    if is_signed_by(certificate, certificate.spki):
        return True
    named = certificate.authority_key_id
    if named is not None and all(root.subject_key_id not in (None, named) for root in roots):
        return True
    return not any(fits_key(certificate, root.spki) for root in roots)
