"""HTTP as a server hears it, without sockets: requests out of bytes, header fields as they were written.

h11 and h2 do the reading. Names of HTTP/1.1 keep their case and order, since those tell programs apart; h11 has them
beside the lower-case ones. Bodies are refused: nothing here takes any.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol
from urllib.parse import parse_qsl, urlsplit

import h11
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, RequestReceived
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

MAX_HEAD = 32 << 10
_STREAMS = 16


class Request(NamedTuple):
    """One request.

    Attributes:
        stream: to answer it by.
        method, target: as written.
        headers: in order, as written; those of HTTP/2 with its pseudo-headers.
        http: "HTTP/1.0", "HTTP/1.1" or "HTTP/2".

    """

    stream: int
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    http: str

    def header(self, name: str) -> str | None:
        """The first of that name (lower case)."""
        return next((value for key, value in self.headers if key.lower() == name), None)


class Reply(NamedTuple):
    """An answer; `headers` beside length and type."""

    status: int
    body: bytes
    kind: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


def asked(target: str) -> tuple[str, dict[str, str]]:
    """Path and parameters of a request's target; the first of a name counts."""
    parts = urlsplit(target)
    try:
        pairs = parse_qsl(parts.query, max_num_fields=16)
    except ValueError:
        return "", {}
    return parts.path, dict(reversed(pairs))


class BadHttpError(Exception):
    """The peer speaks no HTTP, or more of it than is taken."""


class Conversation(Protocol):
    """One connection."""

    over: bool

    def hear(self, data: bytes) -> list[Request]:
        """What was asked. Raises BadHttpError."""

    def answer(self, request: Request, reply: Reply) -> None:
        """Once for each request. Raises BadHttpError."""

    def out(self) -> bytes:
        """What is to be sent, and is then gone from here."""


def conversation(alpn: str | None) -> Conversation:
    """By what was agreed on; without, HTTP/1.1."""
    return Http2Conversation() if alpn == "h2" else Http1Conversation()


class Http1Conversation:
    """HTTP/1.1 and 1.0, one request after the other."""

    def __init__(self) -> None:
        self._talk = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._out = bytearray()
        self.over = False

    def hear(self, data: bytes) -> list[Request]:
        try:
            if data:
                self._talk.receive_data(data)
            return self._next()
        except h11.RemoteProtocolError as error:
            raise BadHttpError(str(error)) from None

    def answer(self, request: Request, reply: Reply) -> None:
        fields = [
            ("Content-Type", reply.kind), ("Content-Length", str(len(reply.body))), *reply.headers,
        ]  # fmt: skip
        try:
            said = h11.Response(status_code=reply.status, headers=fields, reason=b"")
            self._out += self._talk.send(said) or b""
            if request.method != "HEAD":
                self._out += self._talk.send(h11.Data(data=reply.body)) or b""
            self._out += self._talk.send(h11.EndOfMessage()) or b""
            if self._talk.our_state is h11.DONE and self._talk.their_state is h11.DONE:
                self._talk.start_next_cycle()
            else:
                self.over = True
        except h11.LocalProtocolError as error:
            raise BadHttpError(str(error)) from None

    def out(self) -> bytes:
        data = bytes(self._out)
        self._out.clear()
        return data

    def _next(self) -> list[Request]:
        found: list[Request] = []
        while True:
            event = self._talk.next_event()
            if isinstance(event, h11.Request):
                found.append(_of_http1(event))
            elif isinstance(event, h11.Data):
                raise BadHttpError("a request with a body")
            elif isinstance(event, h11.ConnectionClosed):
                self.over = True
                return found
            elif event is h11.NEED_DATA or event is h11.PAUSED:
                return found


class Http2Conversation:
    """HTTP/2 (RFC 9113): a few streams at a time."""

    def __init__(self) -> None:
        config = H2Configuration(client_side=False, header_encoding=None)
        self._talk = H2Connection(config)
        self._talk.local_settings.update(
            {SettingCodes.MAX_CONCURRENT_STREAMS: _STREAMS, SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEAD}
        )  # fmt: skip
        self._talk.initiate_connection()
        self.over = False

    def hear(self, data: bytes) -> list[Request]:
        found: list[Request] = []
        try:
            for event in self._talk.receive_data(data):
                if isinstance(event, RequestReceived):
                    found.append(_of_http2(event))
                elif isinstance(event, DataReceived):
                    raise BadHttpError("a request with a body")
                elif isinstance(event, ConnectionTerminated):
                    self.over = True
        except ProtocolError as error:
            raise BadHttpError(str(error)) from None
        return found

    def answer(self, request: Request, reply: Reply) -> None:
        fields = [
            (":status", str(reply.status)), ("content-type", reply.kind),
            ("content-length", str(len(reply.body))),
            *((name.lower(), value) for name, value in reply.headers),
        ]  # fmt: skip
        try:
            bare = request.method == "HEAD"
            self._talk.send_headers(request.stream, fields, end_stream=bare)
            if bare:
                return
            # Frames of the size that every peer takes; who shuts his window gets no more than fits.
            room = min(self._talk.local_flow_control_window(request.stream), len(reply.body))
            if room < len(reply.body):
                raise BadHttpError("its window is smaller than the answer")
            size = self._talk.max_outbound_frame_size
            for at in range(0, len(reply.body), size):
                self._talk.send_data(request.stream, reply.body[at : at + size])
            self._talk.end_stream(request.stream)
        except ProtocolError as error:
            raise BadHttpError(str(error)) from None

    def out(self) -> bytes:
        return self._talk.data_to_send()


def _of_http1(event: h11.Request) -> Request:
    written = tuple((_text(name), _text(value)) for name, value in event.headers.raw_items())
    version = f"HTTP/{event.http_version.decode('latin-1')}"
    return Request(0, _text(event.method), _text(event.target), written, version)


def _of_http2(event: RequestReceived) -> Request:
    fields = tuple((_text(name), _text(value)) for name, value in event.headers or ())
    told = dict(reversed(fields))
    stream = event.stream_id or 0
    return Request(stream, told.get(":method", ""), told.get(":path", ""), fields, "HTTP/2")


def _text(data: bytes | str) -> str:
    return data if isinstance(data, str) else data.decode("latin-1")
