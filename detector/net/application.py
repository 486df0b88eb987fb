"""What a peer says once the handshake is done: an answer, an alert that came late, or nothing.

Theory of operation
-------------------
A protocol is asked in its own words: HTTP with the smallest request, in the version that was agreed on; Redis and
LDAP with a question that needs no login; the others are listened to (`detector.model.applications`).

In TLS 1.3 a server judges the client's certificate after the client thinks that all is well: its alert
is the first thing that comes (RFC 8446 section 4.4.2.4). A server that wants a certificate for some paths alone
asks once it has read the request: by post-handshake authentication in TLS 1.3 (section 4.6.2), by another
handshake within the connection before (RFC 5246 section 7.4.1.1), which OpenSSL carries while it reads. That such
a one began is told by a handshake record where only data was to come.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Protocol

from msgspec import structs

from detector import clock
from detector.errors import WireError
from detector.model.applications import question_for, spoken_at
from detector.model.inquiry import Application
from detector.model.observation import Target
from detector.net.stream import Stream
from detector.wire.alerts import alert_of_reason
from detector.wire.records import HANDSHAKE, RecordReader

KEPT = 4096
_LATE = 0.5
# Bytes of TLS that are no words: tickets, another handshake's certificates.
_BESIDE = 256 << 10


class Conversation(Protocol):
    """One question in the words of some protocol."""

    said: bytes
    done: bool
    wants_http11: bool

    def opening(self) -> bytes:
        """What to say first."""

    def hear(self, data: bytes) -> bytes:
        """Take what came, and give what to answer."""


class Lines:
    """A question in one piece, and an answer that is complete with `end`; with its first bytes if that is empty."""

    wants_http11 = False

    def __init__(self, question: bytes, end: bytes = b"") -> None:
        self.said = b""
        self.done = False
        self._question, self._end = question, end

    def opening(self) -> bytes:
        return self._question

    def hear(self, data: bytes) -> bytes:
        self.said += data
        self.done = self._end in self.said or len(self.said) >= KEPT
        return b""


def question_to(target: Target) -> bytes:
    """What to ask a target that is not asked in HTTP/2; empty where we only listen."""
    if target.starttls is not None:
        return b""
    protocol = target.protocol or spoken_at(target.port)
    if protocol == "http":
        return request_for(target.host, target.port, target.path or "/")
    return question_for(protocol)


def conversation_for(target: Target, chosen: str | None, question: bytes) -> Conversation:
    """How to ask `question` once `chosen` was agreed on by ALPN."""
    if chosen == "h2" and question:
        from detector.net.http2 import Http2

        return Http2(_authority(target.host, target.port), target.path or "/")
    return Lines(question, b"\r\n\r\n" if question.startswith(b"HEAD ") else b"")


def request_for(host: str, port: int, path: str = "/") -> bytes:
    """The smallest question that every HTTP/1.1 server answers."""
    where = _authority(host, port)
    lines = (f"HEAD {path} HTTP/1.1", f"Host: {where}", "User-Agent: tlsight", "Connection: close")
    return "\r\n".join((*lines, "", "")).encode()


def _authority(host: str, port: int) -> str:
    name = f"[{host}]" if ":" in host else host
    return name if port == 443 else f"{name}:{port}"


async def converse(
    stream: Stream,
    tls: ssl.SSLObject,
    incoming: ssl.MemoryBIO,
    outgoing: ssl.MemoryBIO,
    words: Conversation,
    seconds: float,
    most: int = KEPT << 4,
) -> Application:
    """Have the conversation, and listen for at most `seconds` and `most` bytes. Never raises for what a peer does."""
    listener = _Listener(stream, tls, incoming, outgoing, words, most)
    start = clock.stopwatch()
    try:
        opening = words.opening()
        if opening:
            tls.write(opening)
        async with asyncio.timeout(seconds):
            found = await listener.listen()
    except TimeoutError:
        found = Application("quiet")
    except OSError as error:
        if not isinstance(error, ssl.SSLError):
            # A server that sent its alert and closed resets us for having spoken meanwhile.
            found = await listener.late_alert() or Application("reset")
        else:
            found = _broken(error)
    ms = round((clock.stopwatch() - start) * 1000, 2)
    if found.outcome in ("quiet", "closed", "reset") and words.said:
        found = Application("answered", words.said[:KEPT])
    return structs.replace(found, ms=ms, anew=listener.anew, wants_http11=words.wants_http11)


class _Listener:
    """Carries bytes between the connection, TLS and the conversation.

    `anew`: another handshake began.
    """

    def __init__(
        self,
        stream: Stream,
        tls: ssl.SSLObject,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        words: Conversation,
        most: int,
    ) -> None:
        self.anew = False
        self._most = most
        self._came = 0
        self._stream, self._tls, self._words = stream, tls, words
        self._incoming, self._outgoing = incoming, outgoing
        self._records = RecordReader()

    async def listen(self) -> Application:
        words = self._words
        heard = 0
        while not words.done and heard < self._most:
            with suppress(ssl.SSLWantReadError):
                more = self._tls.read(KEPT)
                if not more:
                    break
                heard += len(more)
                answer = words.hear(more)
                if answer:
                    self._tls.write(answer)
                continue
            await self._flush()
            received = await self._stream.read()
            if not received:
                self._incoming.write_eof()
                break
            self._take(received)
            # What says nothing, as tickets without end, has its bound too.
            if self._came > 2 * self._most + _BESIDE:
                break
        await self._flush()
        return Application("answered" if words.said else "closed", words.said[:KEPT])

    async def late_alert(self) -> Application | None:
        try:
            with suppress(OSError):
                async with asyncio.timeout(_LATE):
                    self._take(await self._stream.read())
            self._tls.read(KEPT)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLError as error:
            return _broken(error)
        return None

    async def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            await self._stream.write(data)

    def _take(self, received: bytes) -> None:
        self._came += len(received)
        self._incoming.write(received)
        with suppress(WireError):
            kinds = {record.type for record in self._records.feed(received)}
            # TLS 1.3 hides it in application data.
            self.anew = self.anew or HANDSHAKE in kinds


def _broken(error: ssl.SSLError) -> Application:
    code = alert_of_reason(error.reason or "")
    return Application("closed") if code is None else Application("alert", alert=code)
