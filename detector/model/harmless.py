"""Text of others, made fit to be printed."""

from __future__ import annotations


def harmless(text: str) -> str:
    """One line in which whatever steers a terminal is a �: escapes, line ends, directions of writing (Unicode's
    C0, C1, Cf, Zl, Zp and what nobody has assigned).
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "�" for c in text)
