"""path-private: the chain ends in a root that is in no public program, that none had any more when the
leaf was issued, or that is reached only through a certificate that may not issue for the host.
"""

from __future__ import annotations

from datetime import date

from detector.chain.certificate import Certificate
from detector.chain.root_table import RootEnd
from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence, Points


def find(seen: Examination, _: Sharing) -> Evidence | None:
    if seen.path.kind != "private" or seen.root_standing == "unknown":
        return None
    root = seen.path.certificates[-1]
    expected = seen.is_internal or seen.expected_private is not None
    points: Points = "neutral" if expected else "intercepted"
    text = f"The chain ends in a root of no public program ({root.subject_text})."
    details = {"root": root.subject_text, "root_sha256": root.sha256}
    if seen.root_standing == "ended":
        end = seen.dated_path.end
        why = _why(root, end, seen.leaf.not_before.date())
        text = f"The chain ends in a root that is public no more ({root.subject_text}): {why}."
        details |= {"end": end.kind, "source": end.source} if end is not None else {}
    elif seen.known.public.is_anchor(root, leaf=False):
        text = f"Between the leaf and a public root ({root.subject_text}) something may not issue."
    return Evidence("path-private", points, "strong", text, details)


def _why(root: Certificate, end: RootEnd | None, issued: date) -> str:
    if issued > root.not_after.date():
        return "it had expired when the leaf was issued"
    if end is None or end.until is None or (end.by == "not-before" and issued <= end.until):
        return "its key, or a signature below it, is too weak by now"
    did = "was distrusted" if end.kind == "distrusted" else "was dropped"
    return f"{end.owner or 'it'} {did}, and the leaf is from after {end.until.isoformat()}"
