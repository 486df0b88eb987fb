"""Bytes to lines of a bounded length. Pure."""

from __future__ import annotations

from collections.abc import Iterator

# A text of explain's size is six times as long where every character is escaped.
LONGEST = (6 << 20) + (64 << 10)


class Lines:
    """Bytes to lines, each without its end; None in place of one that is too long."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._rest = bytearray()
        self._dropping = False

    def feed(self, chunk: bytes) -> Iterator[bytes | None]:
        """The lines that end in this chunk."""
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            self._keep(piece)
            yield None if self._dropping else bytes(self._rest)
            self._rest.clear()
            self._dropping = False
        self._keep(rest)

    def _keep(self, piece: bytes) -> None:
        if self._dropping or len(self._rest) + len(piece) > self._longest:
            self._dropping = True
            self._rest.clear()
        else:
            self._rest += piece
