"""Datagrams that came in pieces: IP's fragments (RFC 791, RFC 8200 section 4.5), CAPWAP's (RFC 5415 section 3.4)."""

from __future__ import annotations

_MAX_DATAGRAMS = 256
_MAX_PARTS = 64
_MAX_DATAGRAM = 1 << 16


class Fragments:
    """Pieces of datagrams that are not whole yet: a bounded number, the oldest given up first.

    Attributes:
        lost: datagrams that were given up.

    """

    def __init__(self) -> None:
        self.lost = 0
        self._partial: dict[bytes, _Datagram] = {}

    def __contains__(self, key: bytes) -> bool:
        """Whether pieces of such a datagram are kept."""
        return key in self._partial

    def add(self, key: bytes, place: int, data: bytes, *, more: bool) -> bytes | None:
        """The whole datagram once this was its last missing piece.

        Args:
            key: what its pieces have in common.
            place: where the piece belongs, in bytes.
            data: the piece.
            more: it is not the last one.

        """
        found = self._partial.get(key)
        if found is None:
            if len(self._partial) >= _MAX_DATAGRAMS:
                del self._partial[next(iter(self._partial))]
                self.lost += 1
            found = self._partial[key] = _Datagram()
        if place + len(data) > _MAX_DATAGRAM or len(found.parts) >= _MAX_PARTS:
            del self._partial[key]
            self.lost += 1
            return None
        found.parts.setdefault(place, data)
        if not more:
            found.size = place + len(data)
        whole = found.joined()
        if whole is not None:
            del self._partial[key]
        return whole


class _Datagram:
    __slots__ = ("parts", "size")

    def __init__(self) -> None:
        self.parts: dict[int, bytes] = {}
        self.size = -1

    def joined(self) -> bytes | None:
        if self.size < 0:
            return None
        out = bytearray()
        for place in sorted(self.parts):
            if place > len(out):
                return None
            out += self.parts[place][len(out) - place :]
        return bytes(out[: self.size]) if len(out) >= self.size else None
