"""ct-issuer-known: the issuing key is one that public logs hold for this host."""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.known import KnownIssuers
from detector.evidence.sharing import Sharing
from detector.model import Evidence


def issuers_for(seen: Examination) -> KnownIssuers | None:
    """Everything known about the host's issuers, merged; None when nothing is."""
    entries = [entry for entry in seen.known.issuers if entry.host.matches(seen.host)]
    if not entries:
        return None
    keys = frozenset().union(*(entry.spki for entry in entries))
    return KnownIssuers(entries[0].host, keys, entries[0].source)


def find(seen: Examination, _: Sharing) -> Evidence | None:
    known = issuers_for(seen) if seen.known.issuers else None
    key = seen.issuer_spki_sha256
    if known is None or key not in known.spki:
        return None
    text = f"The issuing key is one that Certificate Transparency knows for {seen.host}."
    return Evidence("ct-issuer-known", "direct", "strong", text, {"issuer_spki_sha256": key})
