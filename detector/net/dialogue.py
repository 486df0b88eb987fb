"""Conversations before TLS as generators: they yield bytes to send and are sent what came.

    received = yield to_send        # b"" means: nothing to send, read on
    yield LAST + to_send            # the peer will not answer in clear: do not read
    yield LENIENT                   # read on if more comes soon; b"" where it does not

A generator ends when TLS may begin, and returns bytes that came too early. It raises DialError for
a refusal. It never sees a socket, so its tests are transcripts.
"""

from __future__ import annotations

from collections.abc import Generator

from detector.errors import DialError
from detector.wire.greeting import printable

Dialogue = Generator[bytes, bytes, bytes]

MAX_LINES = 64 << 10
LAST = b"\x00LAST\x00"
LENIENT = b"\x00LENIENT\x00"


class Inbox:
    """Bytes received so far, read by lines or by count."""

    def __init__(self, step: str, cause: str) -> None:
        self.buffer = bytearray()
        self.received = 0
        self.step = step
        self.cause = cause

    def ended(self, seen: str, /) -> DialError:
        """What is raised at the end of the stream; `seen` is what had come."""
        text = "the connection was closed in mid-conversation"
        text = f"{text} after {seen!r}" if seen else text
        return DialError(self.step, self.cause, text, how="fin")

    def too_much(self, text: str) -> DialError:
        """What is raised where the peer does not come to an end."""
        return DialError(self.step, self.cause, text)

    def fill(self, send: bytes = b"") -> Generator[bytes, bytes]:
        """Send something, then read once more. Raises DialError at the end of the stream."""
        data = yield send
        if not data:
            raise self.ended(printable(bytes(self.buffer)))
        self.buffer += data
        self.received += len(data)
        if self.received > MAX_LINES:
            raise self.too_much(f"more than {MAX_LINES} bytes of answer")

    def line(self, send: bytes = b"") -> Generator[bytes, bytes, bytes]:
        """The next line without its end; `send` goes out first."""
        if send:
            yield from self.fill(send)
        while True:
            at = self.buffer.find(b"\n")
            if at >= 0:
                found = bytes(self.buffer[:at]).rstrip(b"\r")
                del self.buffer[: at + 1]
                return found
            yield from self.fill()

    def exactly(self, size: int, send: bytes = b"") -> Generator[bytes, bytes, bytes]:
        if send:
            yield from self.fill(send)
        while len(self.buffer) < size:
            yield from self.fill()
        found = bytes(self.buffer[:size])
        del self.buffer[:size]
        return found

    def until(self, marker: bytes, send: bytes = b"") -> Generator[bytes, bytes, bytes]:
        if send:
            yield from self.fill(send)
        while True:
            at = self.buffer.find(marker)
            if at >= 0:
                found = bytes(self.buffer[: at + len(marker)])
                del self.buffer[: at + len(marker)]
                return found
            yield from self.fill()

    def rest(self) -> bytes:
        return bytes(self.buffer)
