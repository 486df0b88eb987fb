"""ct-issuer-unknown: public logs know issuers for this host, and this one is not among them."""

from __future__ import annotations

from detector.evidence.ct_issuer_known import issuers_for
from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model import Evidence, Strength


def find(seen: Examination, _: Sharing) -> Evidence | None:
    known = issuers_for(seen) if seen.known.issuers else None
    key = seen.issuer_spki_sha256
    if known is None or not known.spki or key in known.spki:
        return None
    if key is None and seen.path.kind == "incomplete" and seen.looks_public:
        return None  # the issuer was not sent: there is nothing to compare
    # A public CA may be new for the host; a private one next to public ones may not.
    strength: Strength = "weak" if seen.is_public_path else "strong"
    text = f"Certificate Transparency knows other issuers for {seen.host}, not this one."
    details = {"issuer_spki_sha256": key, "known": sorted(known.spki)}
    return Evidence("ct-issuer-unknown", "intercepted", strength, text, details)
