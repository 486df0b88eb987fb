"""sanctioned: the policy names the interceptor's CA key and says what it may decrypt."""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sanctions import entry_for, may_decrypt
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence, Points


def find(seen: Examination, _: Sharing) -> Evidence | None:
    entry = entry_for(seen)
    if entry is None:
        return None
    details = {"name": entry.name, "allowed": False}
    if entry.expires is not None and seen.observation.at.date() > entry.expires:
        text = f"{entry.name} was allowed until {entry.expires.isoformat()}."
    elif not may_decrypt(entry, seen.host):
        text = f"{entry.name} is known to the policy, but may not decrypt {seen.host}."
    elif any(seen.known.published.find(key) for key in seen.issuing_keys):
        text = f"{entry.name} is known to the policy, but its key is one that everybody has."
    else:
        details["allowed"] = True
        text = f"{entry.name} is allowed to decrypt {seen.host}."
    points: Points = "neutral" if seen.is_public_path else "intercepted"
    return Evidence("sanctioned", points, "strong", text, details)
