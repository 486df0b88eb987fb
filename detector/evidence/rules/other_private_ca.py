"""other-private-ca: the policy names the private CAs that serve this name, and another one answers.

Where the path breaks off, the one that is named may be what is missing: nothing is said then. An entry that has
ended expects nothing, but makes no other CA the expected one.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.known.hosts import any_matches
from detector.model.observation import Evidence


def find(seen: Examination, _: Sharing) -> Evidence | None:
    if seen.expected_private is not None or seen.path.kind in ("public", "incomplete"):
        return None
    wanted = [entry for entry in seen.known.policy.private if any_matches(entry.names, seen.host)]
    if not wanted or seen.expected_before:
        return None
    notes = ", ".join(dict.fromkeys(entry.note or entry.spki[:16] for entry in wanted))
    text = f"The policy expects another private CA for {seen.host} ({notes})."
    details = {"expected": [entry.spki for entry in wanted], "issuer": seen.leaf.issuer_text}
    return Evidence("other-private-ca", "intercepted", "strong", text, details)
