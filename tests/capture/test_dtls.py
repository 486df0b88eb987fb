"""DTLS: hellos in fragments, with and without a cookie."""

from __future__ import annotations

import random

from detector.wire.hello import (
    ServerHello,
    build_server_hello,
    client_hello_record,
    parse_client_hello,
)
from detector.wire.offer import Material, Offer, client_hello
from detector.wire.records import encode_message
from tests.capture import packets as p

OFFER = Offer(sni="dtls.example", versions=(0x0303,), alpn=("coap",))
BODY = b"\xfe\xfd" + client_hello(OFFER, Material(bytes(32), bytes(32), {}))[6:]


def dtls(kind: int, body: bytes, number: int = 0, size: int = 5000) -> list[bytes]:
    """Records with the fragments of one message."""
    out = []
    for at in range(0, len(body), size):
        part = body[at : at + size]
        head = bytes((kind,)) + len(body).to_bytes(3, "big") + number.to_bytes(2, "big")
        head += at.to_bytes(3, "big") + len(part).to_bytes(3, "big")
        fragment = head + part
        out.append(b"\x16\xfe\xfd" + bytes(8) + len(fragment).to_bytes(2, "big") + fragment)
    return out


def with_cookie(body: bytes, cookie: bytes = b"") -> bytes:
    at = 35 + body[34]
    return body[:at] + bytes((len(cookie),)) + cookie + body[at:]


ANSWER = build_server_hello(ServerHello(0xFEFD, bytes(32), b"", 0xC02F, 0, ((0xFF01, b"\0"),)))


def sent(records: list[bytes], *, back: list[bytes]) -> list[bytes]:
    made = [p.udp(p.CLIENT, p.SERVER, (4444, 5684), record) for record in records]
    return made + [p.udp(p.SERVER, p.CLIENT, (5684, 4444), record) for record in back]


def test_both_hellos_are_read() -> None:
    c = p.one(sent(dtls(1, with_cookie(BODY)), back=dtls(2, ANSWER)))
    assert (c.transport, c.protocol, c.sni) == ("udp", "dtls", "dtls.example")
    assert c.hello is not None
    assert c.hello.ja4.startswith("dd2d")
    assert c.answer is not None
    assert c.answer.cipher == 0xC02F


def test_fragments_in_any_order_and_a_second_hello_with_the_cookie() -> None:
    parts = dtls(1, with_cookie(BODY, b"c" * 20), 1, size=40)
    rest = parts[1:]
    random.Random(1).shuffle(rest)
    c = p.one(sent([*dtls(1, with_cookie(BODY)), parts[0], *rest], back=[]))
    assert c.sni == "dtls.example"


def test_an_alert_is_read() -> None:
    alert = b"\x15\xfe\xfd" + bytes(8) + b"\0\x02\x02\x28"
    c = p.one(sent(dtls(1, with_cookie(BODY)), back=[alert]))
    assert [(a.sender, a.code) for a in c.alerts] == [("server", 40)]


def test_the_hello_is_that_of_tls_without_the_cookie() -> None:
    assert parse_client_hello(BODY).sni == "dtls.example"
    assert client_hello_record(parse_client_hello(BODY))[5:] == encode_message(1, BODY)
