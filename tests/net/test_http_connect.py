from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.errors import ProxyError
from detector.net.http_connect import DigestWanted, connect, digest
from tests.net.transcripts import play

OK = b"HTTP/1.1 200 OK\r\n\r\n"


def refused(*answer: bytes, **login: str) -> ProxyError:
    with pytest.raises(ProxyError) as caught:
        play(connect("a.com", 443, **login), *answer)
    return caught.value


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
    sent, _ = play(connect("a.com", 443, "Aladdin", "open sesame"), OK)
    assert b"Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n" in sent[0]


@pytest.mark.parametrize(
    ("answer", "cause", "fault", "text"),
    [
        (b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\n\r\n", "proxy-auth-required", "login", "Basic"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "proxy-refused", "policy", "403 Forbidden"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "bad-gateway", "failed", "502 Bad Gateway"),
        (b"HTTP/1.1 504 Late\r\n\r\n", "connection-timeout", "silence", "504 Late"),
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n", "captive-portal", "portal", "log-in"),
        (b"HTTP/1.1 511 Auth\r\n\r\n", "captive-portal", "portal", "511"),
        (b"<html><body>hi</body></html>\r\n", "proxy-refused", "scheme", "does not speak HTTP"),
        (b"SSH-2.0-x\r\n", "proxy-refused", "scheme", "SSH-2.0-x"),
        (b"\x15\x03\x03\x00\x02\x02\x28\n", "proxy-refused", "scheme", "https://"),
        (b"\x05\xff", "proxy-refused", "scheme", "SOCKS"),
        (b"HTTP/1.1 200 OK\r\n", "proxy-refused", "cut", "closed the connection"),
        (b"", "proxy-refused", "cut", "closed the connection"),
    ],
)  # fmt: skip
def test_refusals_become_faults_and_causes(
    answer: bytes, cause: str, fault: str, text: str
) -> None:
    error = refused(answer)
    assert (error.step, error.cause, error.fault) == ("proxy", cause, fault)
    assert text in error.message


def test_interim_answers_are_read_over_and_counted() -> None:
    error = refused(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 Forbidden\r\n\r\n")
    assert (error.fault, error.status) == ("policy", 403)
    _, early = play(connect("a.com", 443), b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n", OK + b"!")
    assert early == b"!"
    assert "without end" in refused(b"HTTP/1.1 100 Continue\r\n\r\n" * 9).message


def test_heads_are_bounded_in_count_and_size() -> None:
    assert "100 fields" in refused(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200).message
    assert "65536 bytes" in refused(b"HTTP/1.1 200 OK\r\n", *[b"a: " + b"x" * 30_000] * 4).message


def test_the_page_is_read_where_it_may_say_why() -> None:
    head = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 60\r\n\r\n"
    error = refused(head, b"<p>[Errno 111] Connect call ", b"failed ('127.0.0.1', 9)")
    assert error.cause == "connection-refused"


def test_a_wrong_password_is_told_from_a_missing_one_and_shown_nowhere() -> None:
    answer = b"HTTP/1.1 407 x\r\nProxy-Authenticate: Basic realm=x\r\n\r\n"
    assert refused(answer).fault == "login"
    error = refused(answer, user="u", password="hunter2")
    assert error.fault == "wrong-login"
    assert "not accepted" in error.message
    assert "hunter2" not in repr(error) + str(error)


def test_logins_that_a_password_does_not_open_are_named() -> None:
    head = b"HTTP/1.1 407 x\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n"
    error = refused(head, user="u", password="p")
    assert (error.fault, error.schemes) == ("other-login", ("Negotiate", "NTLM"))


def test_digest_is_asked_for_where_basic_is_not_taken() -> None:
    head = b'HTTP/1.1 407 x\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Digest realm="x", nonce="y"\r\n\r\n'
    with pytest.raises(DigestWanted) as caught:
        play(connect("a.com", 443, "u", "p"), head)
    assert caught.value.challenge == 'Digest realm="x", nonce="y"'
    assert refused(head).fault == "login"  # nobody is known
    one_field = (
        b'HTTP/1.1 407 x\r\nProxy-Authenticate: Negotiate, Digest realm="x", nonce="y"\r\n\r\n'
    )
    with pytest.raises(DigestWanted, match="Digest"):
        play(connect("a.com", 443, "u", "p"), one_field)
    both = (
        b"HTTP/1.1 407 x\r\nProxy-Authenticate: Digest realm=x\r\nProxy-Authenticate: Basic\r\n\r\n"
    )
    assert refused(both, user="u", password="p").fault == "wrong-login"
    sent, _ = play(connect("a.com", 443, "u", "p", "Digest z"), OK)
    assert b"Proxy-Authorization: Digest z\r\n" in sent[0]
    with pytest.raises(ProxyError, match="not accepted"):
        play(connect("a.com", 443, "u", "p", "Digest z"), head)


def test_a_digest_is_the_one_of_the_standard() -> None:
    answer = digest('Digest realm="r", nonce="n", algorithm=MD5', "a.com", 443, "u", "p")
    # H(H("u:r:p") ":n:" H("CONNECT:a.com:443")), RFC 7616 section 3.4.1 without qop.
    assert 'uri="a.com:443"' in answer
    assert 'response="9c7646308ba87cc1d4046074ba6e1873"' in answer


_WORDS = st.sampled_from(
    [
        b"HTTP/1.1 ", b"407 ", b"503 ", b"302 ", b"200 ", b"100 ", b"\r\n", b"\r\n\r\n", b": ", b",", b'"', b"=",
        b"Proxy-Authenticate: ", b"Digest ", b"Basic ", b"X-Squid-Error: ERR_CONNECT_FAIL ", b"\xb2", b"111",
        b"Proxy-Status: ", b"error=", b"connection_refused", b"Location: ", b"http://[", b"Content-Length: ", b"9",
        b"nonce=", b"realm=", b"qop=", b"algorithm=", b"auth-int", b"\x05\xff", b"(111)", b"errno ", b"\x00",
    ]
)  # fmt: skip
ANSWERS = st.lists(st.one_of(_WORDS, st.binary(max_size=6)), max_size=30).map(b"".join)


@given(ANSWERS, st.booleans())
@settings(max_examples=400, deadline=None)
def test_whatever_a_proxy_says_ends_in_an_error_of_the_proxy(answer: bytes, known: bool) -> None:
    login = ("ann", "sesame") if known else ()
    with suppress(ProxyError, DigestWanted):
        play(connect("a.com", 443, *login), b"HTTP/1.1 " + answer, answer)


@given(ANSWERS)
@settings(max_examples=400, deadline=None)
def test_whatever_a_challenge_is_it_is_answered_or_refused(answer: bytes) -> None:
    with suppress(ProxyError):
        answered = digest("Digest " + answer.decode("latin-1"), "a.com", 443, "u", "p")
        assert "\n" not in answered


@pytest.mark.parametrize("challenge", ["Digest", 'Digest realm="r"', "Digest nonce=n, algorithm=X"])
def test_a_challenge_that_makes_no_sense_is_said_so(challenge: str) -> None:
    with pytest.raises(ProxyError, match="cannot be answered"):
        digest(challenge, "a.com", 443, "u", "p")
