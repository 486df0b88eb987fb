"""What the policy says of the interceptor above a leaf."""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.known.hosts import any_matches
from detector.known.knowledge import Sanctioned


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
