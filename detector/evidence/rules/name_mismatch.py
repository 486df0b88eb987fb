"""name-mismatch: the certificate is for other names (RFC 9525), so its proofs are about others.

Where nobody asked for a name it accuses nobody, and still proves nothing.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence, Points


def find(seen: Examination, _: Sharing) -> Evidence | None:
    if seen.holds_name:
        return None
    names = [*seen.leaf.dns_names, *seen.leaf.ip_addresses]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    text = f"The certificate is not for {seen.host}; it names {shown or 'nobody'}."
    asked = seen.observation.asks_for_name
    if not asked:
        text = f"No name was asked for; the certificate names {shown or 'nobody'}."
    points: Points = "intercepted" if asked and not seen.is_internal else "neutral"
    return Evidence("name-mismatch", points, "weak", text, {"names": names[:20]})
