"""path-local-root: trusted on this machine, but by no public program: somebody installed the root.

Browsers switch off pins and CT for such roots, so "the browser accepts it" proves nothing. A root that
was put into the bundle of public roots itself (certifi's) is no better for standing there.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence, Points


def find(seen: Examination, _: Sharing) -> Evidence | None:
    if seen.path.kind != "local" or seen.root_standing == "unknown":
        return None
    root = seen.path.certificates[-1]
    text = f"Only this machine's own trust store knows the root ({root.subject_text})."
    if seen.below_own_root:
        text = f"The root is one of those given, and in no public program ({root.subject_text})."
    details: dict[str, object] = {
        "root": root.subject_text,
        "root_sha256": root.sha256,
        "store": seen.path.anchor_store,
    }
    added = seen.known.added
    if added is not None and root in added.certificates:
        text = f"The root was added to {added.name} by somebody ({root.subject_text}): of the roots"
        text += f" there {len(added)} never were in a public program."
        details |= {"store": added.name, "added": len(added)}
    expected = seen.is_internal or seen.expected_private is not None
    points: Points = "neutral" if expected else "intercepted"
    return Evidence("path-local-root", points, "strong", text, details)
