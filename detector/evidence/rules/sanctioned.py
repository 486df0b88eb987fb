"""sanctioned: the policy names the interceptor's CA key and says what it may decrypt."""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.known.hosts import any_matches
from detector.known.knowledge import Sanctioned
from detector.model.observation import Evidence


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
    return Evidence("sanctioned", "neutral", "strong", text, details)


def entry_for(seen: Examination) -> Sanctioned | None:
    """The policy's interceptor that holds a key above the leaf, None without one.

    A certificate below its CA that may not issue is somebody else's: see policy_drift.
    """
    entries = seen.known.policy.sanctioned
    if not entries or seen.is_public_path:
        return None
    found = (entry for entry in entries if not seen.lawful_issuing_keys.isdisjoint(entry.keys))
    return next(found, None)


def may_decrypt(entry: Sanctioned, host: str) -> bool:
    return any_matches(entry.decrypt, host) and not any_matches(entry.never, host)
