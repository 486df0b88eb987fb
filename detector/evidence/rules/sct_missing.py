"""sct-missing: a leaf under a public root without any embedded SCT.

Chrome demands SCTs of certificates issued after April 2018, Safari after October 2018; they can
also come in the TLS extension or the OCSP staple (RFC 6962 section 3.3), and CAs let owners keep names
out of the logs, so this is weak.
"""

from __future__ import annotations

from datetime import UTC, datetime

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence

REQUIRED_SINCE = datetime(2018, 5, 1, tzinfo=UTC)


def find(seen: Examination, _: Sharing) -> Evidence | None:
    if not seen.is_public_path or seen.leaf.extension("SCT") is not None:
        return None
    if seen.leaf.not_before < REQUIRED_SINCE:
        return None
    text = "The path is public, but the leaf carries no SCT."
    return Evidence("sct-missing", "intercepted", "weak", text)
