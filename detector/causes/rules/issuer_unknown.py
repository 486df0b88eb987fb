"""issuer-unknown: the chain stops at a certificate whose issuer was neither sent nor is known here (RFC 5280 6.1).

That may be an intermediate, which the server has to send, or a root, which it need not: nobody can tell which
without having it. Only what is shown is blamed: `incomplete-chain` where the missing certificate was fetched and
verified, or where the leaf stands alone under a public CA, whose roots sign no leaves (Baseline Requirements,
section 6.1.7).
"""

from __future__ import annotations

from detector.causes.barred import barred_issuer
from detector.causes.clues import Claim, Clues
from detector.causes.unsigned import unsigned_below


def find(clues: Clues) -> Claim | None:
    seen = clues.seen
    if seen is None or seen.path.kind != "incomplete":
        return None
    if seen.leaf_alone_looks_public or barred_issuer(seen) is not None:
        return None
    if unsigned_below(seen) is not None:
        return None  # it was sent, by name
    last = seen.path.certificates[-1]
    expected = seen.is_internal or seen.expected_private is not None
    text = f"The issuer {last.issuer_text} was neither sent nor is it known here."
    evidence = (f"The chain stops at {last.subject_text}.", *clues.fetch_problems)
    return Claim("warning" if expected else "error", text, evidence)
