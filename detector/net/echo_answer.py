"""The question for an echo, and the answer, in the words of either HTTP. Counts only what the server's key signed."""

from __future__ import annotations

import secrets
from typing import NamedTuple

import h11
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError

from detector.echo.sealed import MAX_SEALED, opened, signer
from detector.errors import EchoError
from detector.model.echoes import ECHO_PATH, Echo
from detector.model.targets import socket_text

_SETTINGS = b"\x04"


class Question(NamedTuple):
    """Whom to ask.

    Attributes:
        host, port: as they are asked for.
        key: of the server's signature, raw Ed25519 in hex; None takes the one that comes, which proves nothing.
        more: what stands behind the nonce in the path.

    """

    host: str
    port: int
    key: str | None
    more: str = ""

    @property
    def authority(self) -> str:
        return self.host if self.port == 443 else socket_text(self.host, self.port)

    def path(self, nonce: str) -> str:
        return f"{ECHO_PATH}?nonce={nonce}{self.more}"


class _Answer:
    """What came.

    Attributes:
        status: of HTTP.
        echo: what it says, where the signature is right.
        key: who signed it.
        why: why there is no echo.
        headers: of the request, as they are written in HTTP/1.1.

    """

    wants_http11 = False

    def __init__(self, question: Question) -> None:
        self._question, self._nonce = question, secrets.token_hex(16)
        self._body = bytearray()
        self.headers = (
            ("Host", question.authority), ("User-Agent", "tlsight"), ("Accept", "application/json"),
        )  # fmt: skip
        self.said = b""
        self.done = False
        self.status: int | None = None
        self.echo: Echo | None = None
        self.key: str | None = None
        self.why = ""

    def _take(self, data: bytes) -> None:
        self._body += data
        self.done = len(self._body) > MAX_SEALED

    def _open(self) -> None:
        try:
            data = bytes(self._body)
            self.key = self._question.key or signer(data)
            self.echo = opened(data, self.key, self._nonce)
        except EchoError as error:
            self.why = f"HTTP {self.status}: {error}"


class Http1Answer(_Answer):
    """Over HTTP/1.1."""

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        self._talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=64 << 10)

    def opening(self) -> bytes:
        target = self._question.path(self._nonce)
        request = h11.Request(method="GET", target=target, headers=list(self.headers))
        return (self._talk.send(request) or b"") + (self._talk.send(h11.EndOfMessage()) or b"")

    def hear(self, data: bytes) -> bytes:
        self.said = self.said or data[:1]
        try:
            self._talk.receive_data(data)
            while not self.done:
                event = self._talk.next_event()
                if isinstance(event, h11.Response):
                    self.status = event.status_code
                elif isinstance(event, h11.Data):
                    self._take(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    self.done = True
                elif event is h11.NEED_DATA or not isinstance(event, h11.InformationalResponse):
                    break
        except h11.RemoteProtocolError as error:
            self.done, self.why = True, f"no HTTP came: {error}"
        if self.done and self.status is not None:
            self._open()
        return b""


class Http2Answer(_Answer):
    """Over HTTP/2, where whoever stands in between chose it."""

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        self._talk = H2Connection(H2Configuration(client_side=True, header_encoding=None))

    def opening(self) -> bytes:
        (_, authority), *others = self.headers
        fields = [
            (":method", "GET"), (":scheme", "https"), (":authority", authority),
            (":path", self._question.path(self._nonce)),
            *((name.lower(), value) for name, value in others),
        ]  # fmt: skip
        self._talk.initiate_connection()
        self._talk.send_headers(1, fields, end_stream=True)
        return self._talk.data_to_send()

    def hear(self, data: bytes) -> bytes:
        first, self.said = not self.said, self.said or data[:1]
        try:
            if first and data[3:4] not in (b"", _SETTINGS):
                # RFC 9113 section 3.4; the library would wait for a frame's end.
                raise ProtocolError("it does not begin with SETTINGS")
            for event in self._talk.receive_data(data):
                if isinstance(event, ResponseReceived):
                    fields = dict(event.headers or [])
                    self.status = int(fields.get(b":status", b"0"))
                elif isinstance(event, DataReceived):
                    self._take(event.data or b"")
                    self._talk.acknowledge_received_data(event.flow_controlled_length or 0, 1)
                elif isinstance(event, StreamEnded):
                    self.done = True
                elif isinstance(event, StreamReset | ConnectionTerminated):
                    self.wants_http11 = event.error_code == ErrorCodes.HTTP_1_1_REQUIRED
                    self.done = True
        except (ProtocolError, ValueError) as error:
            self.done, self.why = True, f"no HTTP/2 came: {error}"
        if self.done and self.status is not None:
            self._open()
        return self._talk.data_to_send()
