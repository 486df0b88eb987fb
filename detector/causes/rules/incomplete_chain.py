"""incomplete-chain: an intermediate that the server should send is missing (RFC 8446 section 4.4.2).

Browsers fetch it by the address in the leaf (RFC 5280 section 4.2.2.1), or remember it; curl, OpenSSL,
Go, Java and Python do not.
"""

from __future__ import annotations

from detector.causes.barred import barred_issuer
from detector.causes.clues import Claim, Clues
from detector.causes.unsigned import unsigned_below


def find(clues: Clues) -> Claim | None:
    seen = clues.seen
    if seen is None:
        return None
    missing = seen.sent_path.path.certificates[-1].issuer_text
    unsigned = unsigned_below(seen)
    if clues.repaired:
        added = ", ".join(c.subject_text for c in seen.forgotten)
        evidence: tuple[str, ...] = (
            f"Fetched by the address in the certificate, and verified: {added}.",
            "Browsers find it by themselves; curl, Go, Java, Python and OpenSSL fail.",
        )
        if unsigned is not None:
            evidence += (
                f"What was sent under the name {unsigned[1].subject_text} did not sign it.",
            )
        return Claim("error", f"The server does not send {missing}.", evidence)
    if seen.path.kind != "incomplete" or barred_issuer(seen) is not None:
        return None
    if unsigned is not None or not seen.leaf_alone_looks_public:
        return None  # what is missing may be the root, which need not be sent
    return Claim("error", f"The server does not send {missing}.", clues.fetch_problems)
