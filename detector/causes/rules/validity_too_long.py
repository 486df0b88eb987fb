"""validity-too-long: a public certificate runs longer than browsers allow.

CA/Browser Forum, Baseline Requirements section 6.3.2; the limits by date are in `detector.chain.profile`.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.chain.profile import longest_validity


def find(clues: Clues) -> Claim | None:
    seen = clues.seen
    if seen is None or not seen.is_public_path or seen.below_own_root:
        return None
    most = longest_validity(seen.leaf.not_before)
    days = (seen.leaf.not_after - seen.leaf.not_before).total_seconds() / 86400
    if days <= most + 1 / 86400:
        return None
    text = f"The certificate is valid for {days:.0f} days; browsers allow {most}."
    return Claim("error", text)
