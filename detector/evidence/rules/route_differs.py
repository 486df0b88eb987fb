"""route-differs: the host shows a public chain on another route (or did before), not on this one."""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.innocence import excuse_stands
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence, Strength


def find(seen: Examination, _: Sharing) -> Evidence | None:
    base = seen.baseline
    if base is None or not base.public or seen.sct_verified:
        return None
    if seen.leaf.spki_sha256 == base.leaf_spki_sha256:
        return None
    if seen.issuer_spki_sha256 is not None and seen.issuer_spki_sha256 == base.issuer_spki_sha256:
        return None
    where = "without the proxy" if base.source == "direct" else f"on {base.at.date().isoformat()}"
    text = f"The host showed another chain, from a public CA, {where}."
    # Between two public chains a change of CA is the innocent explanation; a server that lost its
    # intermediate still looks public, and a default site or an inner view is somebody else's page.
    innocent = not seen.privately_issued or not seen.claims_name or excuse_stands(seen)
    details = {"source": base.source, "other_leaf_spki_sha256": base.leaf_spki_sha256}
    strength: Strength = "weak" if innocent else "strong"
    return Evidence("route-differs", "intercepted", strength, text, details)
