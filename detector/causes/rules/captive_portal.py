"""captive-portal: the network answers in the server's place and wants a log-in (RFC 8910, RFC 8952)."""

from __future__ import annotations

import re

from detector.causes.clues import Clues, Found

# RFC 6585 section 6; portals of old send a redirect to everything.
_REDIRECT = re.compile(r"HTTP/1\.[01] (?:302|303|307|511)[^'\"]*")


def find(clues: Clues) -> Found | None:
    text = clues.failed_with("captive-portal")
    if text is not None:
        return Found("error", text)
    if clues.status == 511:
        return Found("error", "The answer is 511 Network Authentication Required (RFC 6585).")
    failure = clues.failure
    if failure is None or failure.cause != "not-tls":
        return None
    found = _REDIRECT.search(failure.text)
    if found is None:
        return None
    return Found("error", f"A redirect answers in clear on the TLS port: {found[0]}.")
