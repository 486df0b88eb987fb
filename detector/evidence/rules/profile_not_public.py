"""profile-not-public: the leaf lacks what the Baseline Requirements ask of every public leaf.

Source: CA/Browser Forum, Baseline Requirements for TLS Server Certificates; see `detector.chain.profile`.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence, Points, Strength


def find(seen: Examination, _: Sharing) -> Evidence | None:
    if seen.sct_verified:
        return None
    missing = seen.lacking
    if not missing:
        return None
    text = f"No public CA issues such a leaf: it lacks {', '.join(missing)}."
    expected = seen.is_internal or seen.expected_private is not None
    points: Points = "neutral" if expected else "intercepted"
    strength: Strength = "strong" if seen.is_public_path else "weak"
    return Evidence("profile-not-public", points, strength, text, {"lacks": list(missing)})
