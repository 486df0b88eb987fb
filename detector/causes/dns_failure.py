"""dns-failure: the name does not resolve (RFC 1035)."""

from __future__ import annotations

from detector.causes.clues import Clues, Found


def find(clues: Clues) -> Found | None:
    failure = clues.failure
    if failure is None or failure.cause != "dns-failure":
        return None
    return Found("error", f"{failure.text[:1].upper()}{failure.text[1:]}.")
