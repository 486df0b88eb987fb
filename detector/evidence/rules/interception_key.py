"""interception-key: a key above the leaf is one that Chrome knows to be used for interception.

Chrome keeps the list (KnownInterceptionSPKIs and BlockedInterceptionSPKIs of its CRLSet) to tell
users that they are watched; the roots on it are installed by products and by states.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence


def find(seen: Examination, _: Sharing) -> Evidence | None:
    keys = sorted(seen.issuing_keys & seen.known.interception) if seen.known.interception else []
    if not keys:
        return None
    text = "A key above the leaf is one that Chrome knows to be used for interception."
    return Evidence("interception-key", "intercepted", "strong", text, {"spki_sha256": keys[0]})
