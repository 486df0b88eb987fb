"""chain-out-of-order: the path's certificates come in another order than that of signing.

RFC 5246 section 7.4.2 demands the order; RFC 8446 section 4.4.2 asks clients to be lenient, which not
all are.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    seen = clues.seen
    if seen is None:
        return None
    positions = [seen.sent.index(c) for c in seen.path.certificates if c in seen.sent]
    if positions == sorted(positions):
        return None
    order = ", ".join(str(position) for position in positions)
    evidence = (f"In the order of signing they would be number {order} of those sent.",)
    return Claim("warning", "The certificates are not sent in the order of signing.", evidence)
