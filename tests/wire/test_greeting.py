"""First bytes that are no TLS, as programs of the field send them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.wire.greeting import described, is_portal, printable, spoken, turns_to_tls

HTTP2_SETTINGS = bytes.fromhex("000006040000000000000300000064")


@pytest.mark.parametrize(
    ("data", "protocol", "turns"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n", "http", ()),
        (HTTP2_SETTINGS, "http2", ()),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "ssh", ()),
        (b"220 mx.example ESMTP Postfix (Debian/GNU)\r\n", "smtp", ("smtp",)),
        (b"220-mx.example ESMTP Exim 4.98\r\n220 ready\r\n", "smtp", ("smtp",)),
        (b"554 mx.example ESMTP not today\r\n", "smtp", ("smtp",)),
        (b"220 ProFTPD Server (Debian) [::ffff:192.0.2.1]\r\n", "ftp", ("ftp",)),
        (b"220 (vsFTPd 3.0.5)\r\n", "ftp", ("ftp",)),
        (b"220-FileZilla Server 1.8.0\r\n", "ftp", ("ftp",)),
        (b"220---------- Welcome to Pure-FTPd [privsep] ----------\r\n", "ftp", ("ftp",)),
        (b"220 Microsoft FTP Service\r\n", "ftp", ("ftp",)),
        (b"220 welcome\r\n", "smtp-or-ftp", ("smtp", "ftp")),
        (b"* OK [CAPABILITY IMAP4rev1 STARTTLS] Dovecot ready.\r\n", "imap", ("imap",)),
        (b"+OK Dovecot ready.\r\n", "pop3", ("pop3",)),
        (b"\x4a\x00\x00\x00\x0a8.0.36\x00rest", "mysql", ("mysql",)),
        (b"\x45\x00\x00\x00\xff\x6a\x04Host is blocked", "mysql", ("mysql",)),
        (b"E\x00\x00\x00\x77SFATAL\x00VFATAL\x00", "postgres", ("postgres",)),
        (b"-ERR unknown command '\x16\x03\x01'\r\n", "redis", ()),
        (b"-DENIED Redis is running in protected mode\r\n", "redis", ()),
        (b"<?xml version='1.0'?><stream:stream id='1'>", "xmpp", ("xmpp",)),
        (b"<html><body>no</body></html>", "html", ()),
        (b"\xde\xad\xbe\xef", "unknown", ()),
        (b"", "unknown", ()),
    ],
)
def test_a_greeting_names_its_protocol_and_how_it_turns_to_tls(
    data: bytes, protocol: str, turns: tuple[str, ...]
) -> None:
    found = spoken(data)
    assert found.protocol == protocol
    assert turns_to_tls(found) == turns


def test_the_program_of_a_greeting_is_kept() -> None:
    assert spoken(b"\x4a\x00\x00\x00\x0a11.4.2-MariaDB\x00").banner == "11.4.2-MariaDB"
    assert spoken(b"220 (vsFTPd 3.0.5)\r\nnext").banner == "220 (vsFTPd 3.0.5)"


@pytest.mark.parametrize(
    ("status", "portal"), [(302, True), (307, True), (511, True), (301, False), (400, False)]
)
def test_only_a_redirect_for_now_or_a_511_is_a_portal(status: int, portal: bool) -> None:
    found = spoken(f"HTTP/1.1 {status} x\r\n".encode())
    assert found.status == status
    assert is_portal(found) is portal


@given(st.binary(max_size=700))
def test_whatever_comes_is_described_in_printable_words(data: bytes) -> None:
    found = spoken(data)
    assert described(found).isprintable()
    assert len(found.banner) <= 60


@given(st.binary())
def test_what_a_peer_said_is_safe_for_a_terminal(data: bytes) -> None:
    assert printable(data).isprintable()
