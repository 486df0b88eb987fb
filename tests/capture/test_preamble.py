"""TLS is found wherever it begins, and what was said before is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from detector.capture.preamble import read_preamble
from tests.capture import packets as p
from tests.capture.packets import Talk

Said = list[tuple[bool, bytes]]
CAPTURES = Path(__file__).parents[1] / "data/captures"

BEFORE: dict[str, list[tuple[bool, bytes]]] = {
    "http-connect": [
        (True, b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\nUser-Agent: Firefox/128.0\r\n"
               b"X-BlueCoat-Via: 1\r\n\r\n"),
        (False, b"HTTP/1.1 200 Connection established\r\n\r\n"),
    ],
    "socks5": [
        (True, b"\x05\x01\0"), (False, b"\x05\0"),
        (True, b"\x05\x01\0\x03\x09a.example\x01\xbb"), (False, b"\x05\0\0\x01\x7f\0\0\x01\x01\xbb"),
    ],
    "socks4": [(True, b"\x04\x01\x01\xbb\xc0\0\x02\x05\0"), (False, b"\0\x5a" + bytes(6))],
    "smtp": [
        (False, b"220 mx ESMTP\r\n"), (True, b"EHLO me\r\n"), (False, b"250-mx\r\n250 STARTTLS\r\n"),
        (True, b"STARTTLS\r\n"), (False, b"220 go on\r\n"),
    ],
    "irc": [(True, b"STARTTLS\r\n"), (False, b":irc.example 670  :STARTTLS successful\r\n")],
    "xmpp": [
        (True, b"<stream:stream to='a.example'>"),
        (False, b"<?xml version='1.0'?><stream:stream><stream:features/>"),
        (True, b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"), (False, b"<proceed/>"),
    ],
    "ldap": [
        (True, b"0\x1d\x02\x01\x01w\x18\x80\x161.3.6.1.4.1.1466.20037"),
        (False, b"0\x0c\x02\x01\x01x\x07\n\x01\0\x04\0\x04\0"),
    ],
    "imap after another command": [
        (False, b"* OK hello\r\n"), (True, b"a1 CAPABILITY\r\n"), (False, b"* CAPABILITY STARTTLS\r\n"),
        (True, b"a2 STARTTLS\r\n"), (False, b"a2 OK begin\r\n"),
    ],
    "imap": [(False, b"* OK hello\r\n"), (True, b"a1 STARTTLS\r\n"), (False, b"a1 OK begin\r\n")],
    "pop3": [(False, b"+OK hello\r\n"), (True, b"STLS\r\n"), (False, b"+OK begin\r\n")],
    "ftp": [(False, b"220 hello\r\n"), (True, b"AUTH TLS\r\n"), (False, b"234 go\r\n")],
    "postgres": [(True, b"\0\0\0\x08\x04\xd2\x16\x2f"), (False, b"S")],
    "mysql": [(False, b"\x4a\0\0\0\x0a8.0.32\0" + bytes(60)), (True, b"\x20\0\0\x01" + bytes(32))],
    "proxy-header": [(True, b"PROXY TCP4 192.0.2.9 192.0.2.5 4711 443\r\n")],
}  # fmt: skip


@pytest.mark.parametrize("name", BEFORE)
def test_tls_is_found_after(name: str, tls12: Said) -> None:
    talk = Talk(port=2525).open()
    for from_client, data in [*BEFORE[name], *tls12]:
        talk.send(from_client, data)
    c = p.one(talk.close().packets)
    assert c.sni == "www.example.org"
    assert c.completed
    assert c.preamble is not None
    assert name.partition(" ")[0] in (c.preamble.kind, c.preamble.protocol)


@pytest.mark.parametrize(
    ("client", "server"),
    [
        (b"POST / HTTP/1.1\r\n\r\nhow to: CONNECT a.example:443 HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n"),
        (b"CONNECT a.example:443 HTTP/1.1\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n"),
        (b"GET /?urn:ietf:params:xml:ns:xmpp-tls HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n"),
        (b"GET /1.3.6.1.4.1.1466.20037 HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n"),
        (b"\0\0\0\x08\x04\xd2\x16\x2fand more", b"S"),
        (b"\0\0\0\x08\x04\xd2\x16\x2f", b"HTTP/1.1 400 Bad Request\r\n"),
        (b"STARTTLS\r\n", b"SSH-2.0-OpenSSH_9.2\r\n"),
        (b"a1 NOOP starttls\r\n", b"* OK hello\r\n"),
    ],
)  # fmt: skip
def test_what_only_looks_like_a_protocol_is_none(client: bytes, server: bytes) -> None:
    found = read_preamble(client, server)
    assert found is not None
    assert found.kind == "other"


def test_a_proxys_request_tells_target_agent_and_headers(tls12: Said) -> None:
    talk = Talk(port=3128).open()
    for from_client, data in [*BEFORE["http-connect"], *tls12]:
        talk.send(from_client, data)
    before = p.one(talk.packets).preamble
    assert before is not None
    assert (before.target, before.status, before.agent) == ("a.example:443", 200, "Firefox/128.0")
    assert "x-bluecoat-via" in before.headers


@pytest.mark.parametrize(
    ("status", "text"), [(407, b"Proxy Authentication Required"), (403, b"No")]
)
def test_a_proxy_that_says_no_is_told(status: int, text: bytes) -> None:
    talk = Talk(port=3128).open().client(BEFORE["http-connect"][0][1])
    talk.server(b"HTTP/1.1 %d %s\r\n\r\n" % (status, text)).close()
    c = p.one(talk.packets)
    assert c.preamble is not None
    assert c.preamble.status == status


def test_socks_targets_of_every_kind() -> None:
    v6 = b"\x05\x01\0\x05\x01\0\x04" + bytes(15) + b"\x01\x01\xbb"
    found = read_preamble(v6, b"\x05\0\x05\0\0\x01")
    assert found is not None
    assert found.target == "[::1]:443"
    login = b"\x05\x01\x02\x01\x02me\x02pw\x05\x01\0\x01\x7f\0\0\x01\x01\xbb"
    found = read_preamble(login, b"\x05\x02\x01\0\x05\0\0\x01")
    assert found is not None
    assert found.target == "127.0.0.1:443"


@pytest.mark.parametrize("name", ["dcerpc_bind", "dnp3"])
def test_what_only_begins_like_socks_is_no_proxys(name: str) -> None:
    assert p.read((CAPTURES / f"{name}.pcap").read_bytes()) == []


GREETING, REQUEST = b"\x05\x02\0\x02", b"\x05\x01\0\x01\x7f\0\0\x01\x01\xbb"


@pytest.mark.parametrize(
    ("client", "server", "wanted"),
    [
        (GREETING + REQUEST, b"\x05\0\x05\x02\0\x01" + bytes(6), ("socks5", "127.0.0.1:443", 2)),
        (GREETING + REQUEST, b"", ("socks5", "127.0.0.1:443", None)),
        (GREETING, b"\x05\xff", ("socks5", None, None)),
        (GREETING + b"\x01\x01a\x01b", b"\x05\x02\x01\x01", ("socks5", None, None)),
        (GREETING[:3], b"\x05\0", ("other", None, None)),
        (GREETING + REQUEST, b"\x05\x01", ("other", None, None)),
        (GREETING + REQUEST, b"\x05\0\x05\x44\0\x01", ("other", None, None)),
        (GREETING + REQUEST, b"HTTP/1.1 400", ("other", None, None)),
        (GREETING + b"\x05\x0a" + REQUEST[2:], b"\x05\0", ("other", None, None)),
        (GREETING + REQUEST[:7], b"\x05\0", ("other", None, None)),
        (b"\x05\0\x0b\x03\x10\0\0\0", b"", ("other", None, None)),
        (b"\x04\x01\x01\xbb\0\0\0\x01me\0a.example\0", b"\0\x5b", ("socks4", "a.example:443", 91)),
        (b"\x04\x01\x01\xbb\xc0\0\x02\x05me\0", b"\x04\x5a", ("other", None, None)),
    ],
)  # fmt: skip
def test_socks_is_its_whole_grammar_and_an_answer_that_fits(
    client: bytes, server: bytes, wanted: tuple[str, str | None, int | None]
) -> None:
    found = read_preamble(client, server)
    assert found is not None
    assert (found.kind, found.target, found.status) == wanted


def test_a_socks_proxy_that_says_no_is_told() -> None:
    talk = Talk(port=1080).open().client(GREETING).server(b"\x05\0")
    talk.client(REQUEST).server(b"\x05\x02\0\x01" + bytes(6)).close()
    c = p.one(talk.packets)
    assert c.preamble is not None
    assert (c.preamble.target, c.preamble.status) == ("127.0.0.1:443", 2)


def test_a_proxy_that_tells_why_it_fails_is_read() -> None:
    asked = b"CONNECT a.com:8443 HTTP/1.1\r\nHost: a.com\r\n\r\n"
    told = b"HTTP/1.1 503 Service Unavailable\r\nX-Squid-Error: ERR_CONNECT_FAIL 111\r\n\r\n"
    found = read_preamble(asked, told)
    assert found is not None
    assert (found.status, found.fault) == (503, "refused")
    assert "a.com port 8443" in (found.told or "")
    passed = read_preamble(asked, b"HTTP/1.1 200 OK\r\n\r\n")
    assert passed is not None
    assert (passed.status, passed.fault, passed.told) == (200, None, None)
