"""Records of a followed stream, and what they are called."""

from __future__ import annotations

from collections.abc import Iterator

from detector.errors import WireError
from detector.wire import registry as r
from detector.wire.hello import RETRY_RANDOM
from detector.wire.records import CONTENT_TYPES, MAX_RECORD


class Records:
    """Records of a stream, also where their ends were not captured."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._body = bytearray()
        self._left = 0
        self._whole = True

    def feed(self, data: bytes, missing: int) -> Iterator[tuple[int, int, bytes, bool]]:
        """Content type, length, content, and whether it was captured whole. Raises WireError where no record begins."""
        at, size = 0, len(data)
        while at < size:
            if len(self._head) < 5:
                take = data[at : at + 5 - len(self._head)]
                self._head += take
                at += len(take)
                if len(self._head) < 5:
                    break
                self._left = self._head[3] << 8 | self._head[4]
                if (
                    self._head[0] not in CONTENT_TYPES
                    or self._head[1] != 3
                    or self._left > MAX_RECORD
                ):
                    raise WireError("no record begins here", at)
            take = data[at : at + self._left]
            self._body += take
            self._left -= len(take)
            at += len(take)
            if not self._left:
                yield self._done()
        if missing:
            if len(self._head) < 5 or missing > self._left:
                raise WireError("where the next record begins was not captured", at)
            self._left -= missing
            self._whole = False
            if not self._left:
                yield self._done()

    def _done(self) -> tuple[int, int, bytes, bool]:
        found = (
            self._head[0],
            self._head[3] << 8 | self._head[4],
            bytes(self._body),
            self._whole,
        )
        self._head.clear()
        self._body.clear()
        self._whole = True
        return found


def message_name(kind: int, body: bytes) -> str:
    """What a handshake message is called."""
    if kind == r.SERVER_HELLO and body[2:34] == RETRY_RANDOM:
        return "HelloRetryRequest"
    return r.HANDSHAKE_TYPES.get(kind, f"handshake message {kind}")


def is_hello(body: bytes) -> bool:
    """A hello in clear after a ChangeCipherSpec that is only for show (RFC 8446 section D.4)."""
    return body[:1] in (b"\1", b"\2") and int.from_bytes(body[1:4]) == len(body) - 4


def first_word(data: bytes) -> str:
    """Clear text by its first word alone: what follows it may be a password."""
    word = data[:16].split(b" ")[0].split(b"\r")[0].split(b"\n")[0]
    shown = word.decode("ascii", "replace")
    return f"before TLS: {shown}" if shown.isalnum() and shown.isascii() else "before TLS"
