"""self-signed: the leaf signed itself; a router's page or a hurried server as often as a forger."""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence, Points


def find(seen: Examination, _: Sharing) -> Evidence | None:
    if seen.path.kind != "self-signed":
        return None
    text = f"The certificate is signed by its own key ({seen.leaf.subject_text})."
    points: Points = "neutral" if seen.is_internal else "intercepted"
    return Evidence("self-signed", points, "weak", text)
