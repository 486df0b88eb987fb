"""silent-drop: the connection stands, and nothing comes back (RFC 8446 section 4.1.2)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    text = clues.failed_with("silent-drop")
    return Claim("error", text, clues.flips_told) if text is not None else None
