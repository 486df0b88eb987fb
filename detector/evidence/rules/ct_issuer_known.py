"""ct-issuer-known: the issuing key is one that public logs hold for this host."""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence


def find(seen: Examination, _: Sharing) -> Evidence | None:
    known = seen.known_issuers
    key = seen.issuer_spki_sha256
    if known is None or key not in known.spki:
        return None
    text = f"The issuing key is one that Certificate Transparency knows for {seen.host}"
    text += f"{seen.age_of_known_issuers}."
    details = {"issuer_spki_sha256": key, "source": known.source}
    return Evidence("ct-issuer-known", "direct", "strong", text, details)
