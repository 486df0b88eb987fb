"""root-undecided: whether the root is public cannot be told.

Either an unchanged package that is newer than our table brought it, or no list tells whether any program
still had it when the leaf was issued. Neither is held against the host.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence


def find(seen: Examination, _: Sharing) -> Evidence | None:
    if seen.root_standing != "unknown":
        return None
    root, end = seen.path.certificates[-1], seen.dated_path.end
    details = {"root": root.subject_text, "root_sha256": root.sha256}
    if end is None:
        text = f"The root is newer than the table of public roots here ({root.subject_text})."
    else:
        text = f"Nobody here knows whether the root was public when the leaf was issued ({root.subject_text})."
    return Evidence("root-undecided", "intercepted", "weak", text, details)
