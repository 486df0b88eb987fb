"""published-key: a key on the path is one that everybody has (Superfish, eDellRoot, eMudhra, ...).

Whoever wants can sign with it, so nothing above it on the path means anything. A leaf that a log
had seen before the key became public is an honest one: its own key is not the published one.
"""

from __future__ import annotations

from datetime import date

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence


def find(seen: Examination, _: Sharing) -> Evidence | None:
    published = seen.known.published
    for position, certificate in enumerate(seen.path.certificates):
        key = published.find(certificate.spki_sha256, certificate.sha256, certificate.sha1)
        if key is None:
            continue
        details = {"key": key.name, "source": key.source, "position": position}
        text = f"The private key of {key.name} is public; anybody can sign with it."
        if key.use == "server" and seen.is_internal:
            # A development server on one's own machine, doing what it is meant to do.
            return Evidence("published-key", "neutral", "weak", text, details)
        if key.published and _logged_before(seen, key.published):
            text = f"The private key of {key.name} is public, but the leaf was logged before."
            return Evidence("published-key", "neutral", "strong", text, details)
        return Evidence("published-key", "intercepted", "proof", text, details)
    return None


def _logged_before(seen: Examination, day: date) -> bool:
    return any(
        result.status == "valid" and result.sct.timestamp.date() < day for result in seen.scts
    )
