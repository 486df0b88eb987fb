"""A bounded cursor over bytes: every read checks its bounds and fails with the absolute offset."""

from __future__ import annotations

from detector.errors import WireError


class Reader:
    """Read big-endian integers and length-prefixed vectors (RFC 8446 section 3).

    `base` is the offset of `data[0]` in the whole input, so that errors of nested vectors name the
    place in the original bytes.
    """

    __slots__ = ("at", "base", "data", "end")

    def __init__(self, data: bytes, base: int = 0) -> None:
        self.data = data
        self.at = 0
        self.end = len(data)
        self.base = base

    @property
    def left(self) -> int:
        return self.end - self.at

    def uint(self, size: int, what: str) -> int:
        return int.from_bytes(self.take(size, what), "big")

    def take(self, size: int, what: str) -> bytes:
        at = self.at
        if size > self.end - at:
            raise WireError(f"{what}: {size} bytes wanted, {self.end - at} left", self.base + at)
        self.at = at + size
        return self.data[at : at + size]

    def vector(self, length_size: int, what: str) -> Reader:
        """A vector with a length prefix of `length_size` bytes, as a reader of its own."""
        size = self.uint(length_size, f"{what} length")
        start = self.base + self.at
        return Reader(self.take(size, what), start)

    def rest(self) -> bytes:
        at = self.at
        self.at = self.end
        return self.data[at:]

    def uint16_list(self, what: str) -> tuple[int, ...]:
        """The rest as 16-bit values; an odd byte at the end is an error."""
        if self.left % 2:
            raise WireError(f"{what}: odd length {self.left}", self.base + self.at)
        data = self.rest()
        return tuple(int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2))

    def done(self, what: str) -> None:
        if self.at != self.end:
            raise WireError(f"{what}: {self.end - self.at} bytes too many", self.base + self.at)
