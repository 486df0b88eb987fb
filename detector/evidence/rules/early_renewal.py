"""early-renewal: another key than before, while the leaf of then has more than half its life left.

Owners renew late, as a rule, and say nothing when they do not. Who wiretaps with a leaf of his own, logged
and public, has to begin at some time, and that is most often in the middle of the owner's leaf.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence


def find(seen: Examination, _: Sharing) -> Evidence | None:
    base = seen.baseline
    if base is None or base.source != "recorded" or base.issued is None or base.expires is None:
        return None
    if base.leaf_spki_sha256 == seen.leaf.spki_sha256 or not seen.is_public_path:
        return None
    left = base.expires - seen.observation.at
    if left * 2 <= base.expires - base.issued:
        return None
    text = f"Another key than on {base.at.date().isoformat()}, whose leaf is valid for {left.days} more days."
    details = {"other_leaf_spki_sha256": base.leaf_spki_sha256, "days_left": left.days}
    return Evidence("early-renewal", "intercepted", "weak", text, details)
