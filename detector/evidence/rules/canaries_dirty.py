"""canaries-dirty: a private CA answers for well-known sites that were asked by the same way.

Somebody stands between this machine and them. Whether he stands before this host too, whose chain shows
another CA, is decided only where the host is known to be public itself.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence, Strength


def find(seen: Examination, sharing: Sharing) -> Evidence | None:
    if not sharing.dirty or not seen.privately_issued or seen.declared_internal:
        return None
    if seen.expected_private is not None or seen.sct_verified:
        return None
    text = f"A private CA answers for {' and '.join(sharing.dirty)} too, asked by the same way."
    decides = bool(seen.standing) and not seen.has_unknown_logs
    strength: Strength = "strong" if decides else "weak"
    return Evidence("canaries-dirty", "intercepted", strength, text, {"hosts": list(sharing.dirty)})
