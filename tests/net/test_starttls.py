"""Each protocol's conversation as a transcript of bytes, from its own specification."""

import pytest

from detector.errors import DialError
from detector.model.targets import STARTTLS_PORTS
from detector.net.starttls import PROTOCOLS, start
from tests.net.transcripts import play

MYSQL_GREETING = b"\x0a8.0.36\x00" + bytes(4) + b"challeng\x00" + b"\xff\xff" + bytes(60)

GOOD = {
    "smtp": (
        [b"220 mx ESMTP\r\n", b"250-mx\r\n250-SIZE 1\r\n250 STARTTLS\r\n", b"220 go\r\n"],
        [b"EHLO tlsight.invalid\r\n", b"STARTTLS\r\n"],
    ),
    "imap": ([b"* OK hi\r\n", b"* CAPABILITY X\r\na1 OK begin\r\n"], [b"a1 STARTTLS\r\n"]),
    "pop3": ([b"+OK hi\r\n", b"+OK begin\r\n"], [b"STLS\r\n"]),
    "ftp": ([b"220-one\r\n220 two\r\n", b"234 begin\r\n"], [b"AUTH TLS\r\n"]),
    "xmpp": (
        [
            b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>",
            b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        ],
        None,
    ),
    "ldap": (
        [bytes.fromhex("300c02010178070a010004000400")],
        [bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"],
    ),
    "postgres": ([b"S"], [bytes.fromhex("0000000804d2162f")]),
    "mysql": ([len(MYSQL_GREETING).to_bytes(3, "little") + b"\x00" + MYSQL_GREETING], None),
}


def test_every_protocol_has_a_port_and_a_transcript() -> None:
    assert set(PROTOCOLS) == set(STARTTLS_PORTS) == set(GOOD)


@pytest.mark.parametrize("protocol", GOOD)
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "byte by byte"])
def test_a_willing_server_turns_to_tls(protocol: str, whole: bool) -> None:
    received, expected = GOOD[protocol]
    chunks = received if whole else [bytes((b,)) for part in received for b in part]
    sent, early = play(start(protocol, "a.com"), *chunks)
    assert early == b""
    if expected is not None:
        assert sent == expected


def test_the_mysql_request_is_a_packet_of_32_bytes_with_the_ssl_flag() -> None:
    sent, _ = play(start("mysql", "a.com"), *GOOD["mysql"][0])
    (packet,) = sent
    assert packet[:4] == b"\x20\x00\x00\x01"
    assert len(packet) == 36
    assert int.from_bytes(packet[4:8], "little") & 0x0800


def test_a_mysql_sequence_number_wraps_around() -> None:
    greeting = GOOD["mysql"][0][0]
    sent, _ = play(start("mysql", "a.com"), greeting[:3] + b"\xff" + greeting[4:])
    assert sent[0][3] == 0


@pytest.mark.parametrize(
    ("protocol", "received", "text"),
    [
        ("smtp", [b"220 x\r\n", b"250 HELP\r\n"], "does not offer STARTTLS"),
        ("smtp", [b"554 no\r\n"], "answers '554 no'"),
        ("imap", [b"* BYE\r\n"], "greets with"),
        ("imap", [b"* OK\r\n", b"a1 BAD no\r\n"], "answers 'a1 BAD no'"),
        ("pop3", [b"+OK\r\n", b"-ERR no\r\n"], "answers"),
        ("ftp", [b"220 x\r\n", b"500 no\r\n"], "answers '500 no'"),
        ("xmpp", [b"<x/></stream:features>"], "does not offer starttls"),
        ("ldap", [bytes.fromhex("300c02010178070a013504000400")], "refuses StartTLS"),
        ("postgres", [b"N"], "SSL switched off"),
        ("postgres", [b"E"], "answers 'E'"),
        ("mysql", [b"\x05\x00\x00\x00\xffoops"], "greets with"),
        ("mysql", [b"\x20\x00\x00\x00\x0a8\x00" + bytes(29)], "SSL switched off"),
    ],
)
def test_an_unwilling_server_is_not_tls(protocol: str, received: list[bytes], text: str) -> None:
    with pytest.raises(DialError, match=text) as caught:
        play(start(protocol, "a.com"), *received)
    assert caught.value.cause == "not-tls"


@pytest.mark.parametrize("protocol", ["smtp", "imap", "pop3", "ftp", "postgres"])
def test_text_injected_behind_the_go_ahead_is_refused(protocol: str) -> None:
    received = list(GOOD[protocol][0])
    received[-1] += b"evil"
    with pytest.raises(DialError, match="behind the go-ahead"):
        play(start(protocol, "a.com"), *received)
