"""What a run has told already: a sentence is told once."""

from __future__ import annotations

LONG = 30


class Said:
    """The sentences of one run. Words shorter than LONG characters are labels, and may come again."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def anew(self, text: str) -> bool:
        """Whether this has not been told, nor stands within what has been; it counts as told from now on."""
        plain = " ".join(text.split()).rstrip(".").casefold()
        if len(plain) < LONG:
            return True
        if any(plain in told for told in self._told):
            return False
        self._told.add(plain)
        return True
