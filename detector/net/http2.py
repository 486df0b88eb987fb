"""HTTP/2 for one request (RFC 9113): said in its own words, heard as the lines that HTTP/1.1 would have."""

from __future__ import annotations

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, ResponseReceived, StreamReset
from h2.exceptions import ProtocolError

_MAX_HEADERS = 16 << 10
_SETTINGS = b"\x04"


class Http2:
    """`HEAD path`, and the answer.

    Attributes:
        said: "HTTP/2 200" and the header fields as lines; empty until they came.
        done: nothing more is waited for.
        wants_http11: the server wants the question in HTTP/1.1 (RFC 9113 section 7, HTTP_1_1_REQUIRED).

    """

    def __init__(self, authority: str, path: str) -> None:
        self.said = b""
        self.done = False
        self.wants_http11 = False
        self._begun = False
        self._connection = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self._headers = (
            (":method", "HEAD"), (":scheme", "https"), (":authority", authority), (":path", path),
            ("user-agent", "tlsight"),
        )  # fmt: skip

    def opening(self) -> bytes:
        """What to say first."""
        self._connection.initiate_connection()
        self._connection.send_headers(1, self._headers, end_stream=True)
        return self._connection.data_to_send()

    def hear(self, data: bytes) -> bytes:
        """Take what came, and give what to answer. Never raises for what a peer sends."""
        first, self._begun = not self._begun, True
        try:
            if first and data[3:4] not in (b"", _SETTINGS):
                raise ProtocolError  # RFC 9113 section 3.4; the library would wait for a frame's end
            events = self._connection.receive_data(data)
        except ProtocolError:
            self.said = self.said or data  # not HTTP/2, and an answer all the same
            self.done = True
            return b""
        for event in events:
            if isinstance(event, ResponseReceived):
                self.said = _lines(event.headers or [])
                self.done = True
            elif isinstance(event, StreamReset | ConnectionTerminated):
                self.wants_http11 = event.error_code == ErrorCodes.HTTP_1_1_REQUIRED
                self.done = True
        return self._connection.data_to_send()


def _lines(headers: list[tuple[bytes, bytes]]) -> bytes:
    status = next((value for name, value in headers if name == b":status"), b"")
    fields = [name + b": " + value for name, value in headers if not name.startswith(b":")]
    return b"\r\n".join((b"HTTP/2 " + status, *fields, b"", b""))[:_MAX_HEADERS]
