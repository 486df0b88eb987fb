"""The question and the answer, without sockets, over either HTTP."""

from __future__ import annotations

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived

from detector.echo.sealed import sealed
from detector.lab.case import now
from detector.model.echoes import ECHO_PATH, Echo
from detector.net.echo_answer import Http1Answer, Http2Answer, Question

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw().hex()
QUESTION = Question("echo.test", 8443, PUBLIC, "&of=label")
ECHO = Echo(nonce="", at=now(), flight=b"x", peer="192.0.2.1", http="HTTP/1.1")


def body(path: str) -> bytes:
    nonce = path.partition("nonce=")[2].partition("&")[0]
    return sealed(msgspec.structs.replace(ECHO, nonce=nonce), PUBLIC, KEY.sign)


def test_http1_asks_in_the_words_that_are_compared_later() -> None:
    asking = Http1Answer(QUESTION)
    said = asking.opening().decode()
    assert said.startswith(f"GET {ECHO_PATH}?nonce=")
    assert "&of=label HTTP/1.1\r\nHost: echo.test:8443\r\nUser-Agent: tlsight\r\n" in said
    data = body(said.split()[1])
    asking.hear(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data))
    assert not asking.done
    asking.hear(data)
    assert asking.echo is not None
    assert (asking.done, asking.status, asking.key) == (True, 200, PUBLIC)


def test_http2_asks_the_same() -> None:
    asking = Http2Answer(QUESTION)
    server = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
    server.initiate_connection()
    (asked,) = [
        one for one in server.receive_data(asking.opening()) if isinstance(one, RequestReceived)
    ]
    fields = dict(asked.headers or [])
    assert fields[":authority"] == "echo.test:8443"
    assert fields["user-agent"] == "tlsight"
    server.send_headers(1, [(":status", "200")])
    server.send_data(1, body(fields[":path"]), end_stream=True)
    asking.hear(server.data_to_send())
    assert asking.echo is not None
    assert asking.headers == Http1Answer(QUESTION).headers


@pytest.mark.parametrize("made", [Http1Answer, Http2Answer])
@pytest.mark.parametrize("data", [b"\0" * 100, b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_no_http_ends_it_with_a_reason(
    made: type[Http1Answer | Http2Answer], data: bytes
) -> None:
    asking = made(QUESTION)
    asking.opening()
    asking.hear(data)
    assert (asking.done, asking.echo) == (True, None)
    assert asking.why


def test_an_old_answer_is_none() -> None:
    asking = Http1Answer(QUESTION)
    asking.opening()
    data = body("?nonce=another")
    asking.hear(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
    assert (asking.echo, asking.why) == (None, "HTTP 200: the echo answers another question")
