import pytest

from detector.errors import DialError
from detector.net.http_connect import connect
from tests.net.transcripts import play


def test_a_tunnel_is_asked_for_and_early_bytes_are_kept() -> None:
    sent, early = play(
        connect("a.com", 443), b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nearly"
    )
    assert sent == [b"CONNECT a.com:443 HTTP/1.1\r\nHost: a.com:443\r\n\r\n"]
    assert early == b"early"


def test_addresses_of_ipv6_get_their_brackets() -> None:
    sent, _ = play(connect("2001:db8::1", 443), b"HTTP/1.0 200 OK\r\n\r\n")
    assert sent[0].startswith(b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\n")


def test_basic_credentials_are_sent() -> None:
    sent, _ = play(connect("a.com", 443, "Aladdin", "open sesame"), b"HTTP/1.1 200 OK\r\n\r\n")
    assert b"Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n" in sent[0]


@pytest.mark.parametrize(
    ("answer", "cause", "text"),
    [
        (
            b'HTTP/1.1 407 Denied\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n',
            "proxy-auth-required",
            'Basic realm="x"',
        ),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "proxy-refused", "403 Forbidden"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "proxy-refused", "502 Bad Gateway"),
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n", "captive-portal", "log-in"),
        (b"HTTP/1.1 511 Auth\r\n\r\n", "captive-portal", "511"),
        (b"<html><body>hi</body></html>\r\n", "proxy-refused", "does not speak HTTP"),
        (b"SSH-2.0-x\r\n", "proxy-refused", "SSH-2.0-x"),
        (b"HTTP/1.1 200 OK\r\n", "proxy-refused", "closed in mid-conversation"),
        (b"", "proxy-refused", "closed in mid-conversation"),
    ],
)
def test_refusals_become_causes(answer: bytes, cause: str, text: str) -> None:
    with pytest.raises(DialError, match=text) as caught:
        play(connect("a.com", 443), answer)
    assert (caught.value.step, caught.value.cause) == ("proxy", cause)


def test_a_wrong_password_is_told_from_a_missing_one() -> None:
    answer = b"HTTP/1.1 407 x\r\n\r\n"
    with pytest.raises(DialError, match="HTTPS_PROXY"):
        play(connect("a.com", 443), answer)
    with pytest.raises(DialError, match="not accepted") as caught:
        play(connect("a.com", 443, "u", "hunter2"), answer)
    assert "hunter2" not in str(caught.value)
