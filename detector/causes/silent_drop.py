"""silent-drop: the connection stands, and nothing comes back (RFC 8446 section 4.1.2)."""

from __future__ import annotations

from detector.causes.clues import Clues, Found, told


def find(clues: Clues) -> Found | None:
    failure = clues.failure
    if failure is None or failure.cause != "silent-drop" or failure.step in ("dns", "tcp"):
        return None
    evidence = tuple(told(change, clues.trials) for change in clues.flips)
    return Found("error", f"{failure.text[:1].upper()}{failure.text[1:]}.", evidence)
