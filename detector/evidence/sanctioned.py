"""sanctioned: the policy names the interceptor's CA key and says what it may decrypt."""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.hosts import any_matches
from detector.evidence.sharing import Sharing
from detector.model import Evidence


def find(seen: Examination, _: Sharing) -> Evidence | None:
    entries = seen.known.policy.sanctioned
    if not entries or seen.is_public_path:
        return None
    for entry in entries:
        if entry.spki not in seen.issuing_keys:
            continue
        details = {"name": entry.name, "allowed": False}
        if entry.expires is not None and seen.observation.at.date() > entry.expires:
            text = f"{entry.name} was allowed until {entry.expires.isoformat()}."
        elif any_matches(entry.never, seen.host) or not any_matches(entry.decrypt, seen.host):
            text = f"{entry.name} is known to the policy, but may not decrypt {seen.host}."
        else:
            details["allowed"] = True
            text = f"{entry.name} is allowed to decrypt {seen.host}."
        return Evidence("sanctioned", "neutral", "strong", text, details)
    return None
