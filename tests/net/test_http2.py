"""HTTP/2 against the other end of its own library."""

from __future__ import annotations

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import RequestReceived

from detector.net.http2 import Http2


def server_for(client: Http2) -> tuple[H2Connection, dict[bytes, bytes]]:
    """A server that has heard the client's request."""
    server = H2Connection(H2Configuration(client_side=False, header_encoding=None))
    server.initiate_connection()
    events = server.receive_data(client.opening())
    (asked,) = (event for event in events if isinstance(event, RequestReceived))
    return server, dict(asked.headers)  # type: ignore[arg-type]


def test_the_answer_is_heard_as_lines() -> None:
    client = Http2("a.com:8443", "/page")
    server, asked = server_for(client)
    assert asked[b":method"] == b"HEAD"
    assert (asked[b":authority"], asked[b":path"]) == (b"a.com:8443", b"/page")
    assert client.hear(server.data_to_send()) != b""  # its settings are acknowledged
    assert not client.done
    server.send_headers(1, ((":status", "403"), ("date", "Mon, 30 Nov 2026 00:00:00 GMT")), True)
    client.hear(server.data_to_send())
    assert client.done
    assert client.said == b"HTTP/2 403\r\ndate: Mon, 30 Nov 2026 00:00:00 GMT\r\n\r\n"


@pytest.mark.parametrize("whole", [True, False])
def test_a_server_may_want_http11(whole: bool) -> None:
    client = Http2("a.com", "/")
    server, _ = server_for(client)
    if whole:
        server.close_connection(ErrorCodes.HTTP_1_1_REQUIRED)
    else:
        server.reset_stream(1, ErrorCodes.HTTP_1_1_REQUIRED)
    client.hear(server.data_to_send())
    assert client.done
    assert client.wants_http11


def test_what_is_no_http2_is_an_answer_all_the_same() -> None:
    client = Http2("a.com", "/")
    client.opening()
    client.hear(b"HTTP/1.0 200 ok\r\n\r\n")
    assert client.done
    assert client.said.startswith(b"HTTP/1.0 200")
