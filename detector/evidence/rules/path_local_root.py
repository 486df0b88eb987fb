"""path-local-root: trusted on this machine, but by no public program: somebody installed the root.

Browsers switch off pins and CT for such roots, so "the browser accepts it" proves nothing.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence, Points


def find(seen: Examination, _: Sharing) -> Evidence | None:
    if seen.path.kind != "local":
        return None
    root = seen.path.certificates[-1]
    text = f"Only this machine's own trust store knows the root ({root.subject_text})."
    expected = seen.is_internal or seen.expected_private is not None
    points: Points = "neutral" if expected else "intercepted"
    details = {
        "root": root.subject_text,
        "root_sha256": root.sha256,
        "store": seen.path.anchor_store,
    }
    return Evidence("path-local-root", points, "strong", text, details)
