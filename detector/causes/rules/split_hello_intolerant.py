"""split-hello-intolerant: the ClientHello must come in one piece.

RFC 8446 section 5.1 lets a message span records, and TCP has no messages at all; filters that look for
the name in the first packet forget both. Browsers' hellos come in two segments on every path of 1,500 bytes; in
two records nobody's comes, and mbedTLS before 3.6 takes none: that is to be known, and hurts nobody.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues, told
from detector.causes.plan import CHANGES


def find(clues: Clues) -> Claim | None:
    if not clues.greeted:
        return None
    broken = [
        c for c in CHANGES if c.offer in ("two-segments", "two-records") and clues.cut(c.offer)
    ]
    if not broken:
        return None
    evidence = tuple(told(change, clues.trials) for change in broken)
    if clues.harm == "note" and [change.offer for change in broken] == ["two-records"]:
        text = "A ClientHello that is cut into two TLS records is not understood; no browser cuts its own."
        fix = "Update the server's TLS library; nothing is lost until then."
        return Claim("note", text, evidence, "server", fix)
    return Claim("error", "A ClientHello that comes in two pieces is not understood.", evidence)
