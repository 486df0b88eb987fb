"""sanctioned: the policy names the interceptor's CA key and lets it decrypt this host.

What it may not is told by policy_drift.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sanctions import entry_for, may_decrypt
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence


def find(seen: Examination, _: Sharing) -> Evidence | None:
    entry = entry_for(seen)
    if entry is None or not may_decrypt(entry, seen.host):
        return None
    if entry.expires is not None and seen.observation.at.date() > entry.expires:
        return None
    if any(seen.known.published.find(key) for key in seen.issuing_keys):
        return None
    text = f"{entry.name} is allowed to decrypt {seen.host}."
    return Evidence("sanctioned", "intercepted", "strong", text, {"name": entry.name})
