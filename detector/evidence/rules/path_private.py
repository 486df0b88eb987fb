"""path-private: the chain ends in a root that is in no public program, or that is reached only
through a certificate that may not issue for the host.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence, Points


def find(seen: Examination, _: Sharing) -> Evidence | None:
    if seen.path.kind != "private":
        return None
    root = seen.path.certificates[-1]
    expected = seen.is_internal or seen.expected_private is not None
    points: Points = "neutral" if expected else "intercepted"
    text = f"The chain ends in a root of no public program ({root.subject_text})."
    if seen.known.public.is_anchor(root, leaf=False):
        text = f"Between the leaf and a public root ({root.subject_text}) something may not issue."
    details = {"root": root.subject_text, "root_sha256": root.sha256}
    return Evidence("path-private", points, "strong", text, details)
