"""issuer-impersonated: an issuer bears a public CA's name, but not its key.

An honest cross-sign or re-issue of a CA keeps the key, and a chain that merely lacks a link ends
at a name that is missing, with nothing to compare. So both are asked: a person would take the name
for that of a public root or intermediate, whatever its string types, case, white space and order
(RFC 5280 section 7.1), and the signature is refuted under every public key of that name. A signature
that cannot be checked, of an algorithm or a certificate unknown here, refutes nothing.

Proof needs the other key as well, because damage refutes a signature too: the key that did sign is
there, or the certificate names it (authority key identifier, RFC 5280 section 4.2.1.1), or no public
root of the name makes signatures of that kind and size. Without any of these the finding is weak. Of
intermediates the digests of keys alone are known: there the key that did sign has to be there.
"""

from __future__ import annotations

from collections.abc import Sequence

from detector.chain.certificate import Certificate, name_text
from detector.chain.name_matching import as_read
from detector.chain.signature import check_signature, fits_key, is_signed_by
from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence


def find(seen: Examination, _: Sharing) -> Evidence | None:
    if seen.path.kind in ("public", "local") or seen.undecided_root:
        return None
    above = (*seen.path.certificates[1:], None)
    for certificate, issuer in zip(seen.path.certificates, above, strict=True):
        found = _borrowed(seen, certificate, issuer)
        if found is not None:
            return found
    return None


def _signer(certificate: Certificate, issuer: Certificate | None) -> Certificate | None:
    """Whose key is known to have signed."""
    if issuer is None and is_signed_by(certificate, certificate.spki):
        return certificate
    return issuer


def _borrowed(
    seen: Examination, certificate: Certificate, issuer: Certificate | None
) -> Evidence | None:
    roots = seen.known.public.read_as(certificate.issuer)
    listed = seen.known.intermediates.get(as_read(certificate.issuer), frozenset())
    listed -= {root.spki_sha256 for root in roots}
    if not roots and not listed:
        return None
    # A root of that name that did sign it leaves a chain whose lower part may not issue: that
    # is a broken chain, not a borrowed name.
    if any(check_signature(certificate, root.spki) != "refuted" for root in roots):
        return None
    signer = _signer(certificate, issuer)
    if signer is not None and signer.spki_sha256 in listed:
        return None
    if not roots and signer is None:
        return None
    name = name_text(certificate.issuer)
    real = roots[0].spki_sha256 if roots else min(listed)
    details = {"impersonated": name, "real_spki_sha256": real}
    if signer is not None or (not listed and _shows_another_key(certificate, roots)):
        text = f"The issuer calls itself {name}, but signs with another key."
        return Evidence("issuer-impersonated", "intercepted", "proof", text, details)
    text = f"A signature said to be of {name} does not hold: damaged, or forged."
    return Evidence("issuer-impersonated", "intercepted", "weak", text, details)


def _shows_another_key(certificate: Certificate, roots: Sequence[Certificate]) -> bool:
    named = certificate.authority_key_id
    if named is not None and all(root.subject_key_id not in (None, named) for root in roots):
        return True
    return not any(fits_key(certificate, root.spki) for root in roots)
