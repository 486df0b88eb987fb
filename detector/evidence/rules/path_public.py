"""path-public: the leaf descends from a root that a public program has, or had when it was issued.

Programs drop roots that thousands of sites and older clients still use, so the list of today alone
does not tell what is public. Never enough for "clean".
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence


def find(seen: Examination, _: Sharing) -> Evidence | None:
    if not seen.is_public_path:
        return None
    root, end = seen.path.certificates[-1], seen.dated_path.end
    text = f"The chain ends in a public root ({root.subject_text})."
    details = {
        "root": root.subject_text,
        "root_sha256": root.sha256,
        "store": seen.path.anchor_store,
    }
    if end is not None and seen.root_standing == "once-public":
        text = f"The chain ends in a root that was public when the leaf was issued ({root.subject_text})."
        details["end"] = end.kind
    elif end is not None and end.until is not None:
        text += f" Some browsers trust it only for leaves issued until {end.until.isoformat()}."
        details["end"] = end.kind
    return Evidence("path-public", "neutral", "strong", text, details)
