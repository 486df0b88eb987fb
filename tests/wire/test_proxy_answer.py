"""What proxies answer to CONNECT, as they were seen to, and what is read from it."""

from __future__ import annotations

import time

import pytest

from detector.wire.proxy_answer import (
    MAX_FIELDS,
    ProxyReply,
    login_schemes,
    meaning,
    read_reply,
    socks_meaning,
)

SQUID = "x-squid-error"
STATUS = "proxy-status"


def fault(status: int, reason: str = "", page: bytes = b"", **fields: str) -> str:
    named = tuple((name.replace("_", "-"), value) for name, value in fields.items())
    return meaning(ProxyReply(status, reason, named, page), "a.com", 443).fault


@pytest.mark.parametrize(
    ("value", "status", "what"),
    [
        ("ERR_CONNECT_FAIL 111", 503, "refused"),
        ("ERR_CONNECT_FAIL 61", 503, "refused"),
        ("ERR_CONNECT_FAIL 110", 503, "silence"),
        ("ERR_CONNECT_FAIL 101", 503, "unreachable"),
        ("ERR_CONNECT_FAIL 113", 503, "unreachable"),
        ("ERR_CONNECT_FAIL 0", 503, "failed"),
        ("ERR_CONNECT_FAIL x", 503, "failed"),
        ("ERR_DNS_FAIL 0", 503, "name"),
        ("ERR_CANNOT_FORWARD 0", 500, "name"),
        ("ERR_CANNOT_FORWARD 0", 503, "failed"),
        ("ERR_READ_TIMEOUT 0", 504, "silence"),
        ("ERR_ACCESS_DENIED 0", 403, "policy"),
        ("ERR_SHUTTING_DOWN 0", 503, "overloaded"),
        ("ERR_OF_TOMORROW 0", 503, "failed"),
    ],
)
def test_squid_says_it_in_a_field_of_its_own(value: str, status: int, what: str) -> None:
    assert fault(status, "Service Unavailable", x_squid_error=value) == what


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("p; error=connection_refused", "refused"),
        ('p; error=connection_refused; details="immediate_connect_error:_Network_is_unreachable"',
         "unreachable"),
        ('envoy; error=connection_refused; details="start{connection_timeout}; UF"', "silence"),
        ('envoy; error=dns_error; details="dns_resolution_failure{cares}; DF"', "name"),
        ("p; error=destination_ip_prohibited", "policy"),
        ("p; error=destination_ip_unroutable", "unreachable"),
        ("p; error=connection_limit_reached", "overloaded"),
        ("p; error=http_request_denied", "policy"),
        ("p; error=of_tomorrow", "failed"),
        ("p; received-status=503", "failed"),
    ],
)  # fmt: skip
def test_proxy_status_is_read_its_details_first(value: str, what: str) -> None:
    assert fault(503, proxy_status=value) == what


@pytest.mark.parametrize(
    ("status", "reason", "page", "what"),
    [
        (502, "Bad Gateway", b"<p>Cannot connect to a.com:9: [Errno 111] Connect call failed</p>", "refused"),
        (502, "Bad Gateway", b"Cannot connect: [Errno -3] Temporary failure in name resolution", "name"),
        (502, "Bad Gateway", b"[Errno 101] Network is unreachable", "unreachable"),
        (502, "Proxy Error", b"Reason: <strong>DNS lookup failure for: a.com</strong>", "name"),
        (403, "Proxy Error", b"Reason: Connect to remote machine blocked", "port"),
        (404, "No such domain", b"", "name"),
        (503, "Connect failed", b"This is often a temporary failure", "failed"),
        (403, "Access violation", b"CONNECT method not allowed with the port you tried", "port"),
        (403, "Filtered", b"", "policy"),
        (500, "Unable to connect", b"", "failed"),
        (503, "Service Unavailable", b"No server is available", "failed"),
        (503, "x", b"The system returned: <i>(111) Connection refused</i>", "refused"),
        (504, "Gateway Time-out", b"", "silence"),
        (504, "", b"", "silence"),
        (400, "Bad Request", b"The plain HTTP request was sent to HTTPS port", "scheme"),
        (400, "Bad Request", b"", "no-proxy"),
        (405, "Not Allowed", b"", "no-proxy"),
        (404, "Not Found", b"", "no-proxy"),
        (451, "Legal", b"connection refused", "policy"),
        (429, "Slow down", b"", "overloaded"),
        (418, "Teapot", b"", "policy"),
        (503, "Blocked", b"<script>setTimeout(0)</script>", "failed"),
    ],
)  # fmt: skip
def test_words_and_statuses_are_read_where_no_field_says_it(
    status: int, reason: str, page: bytes, what: str
) -> None:
    assert fault(status, reason, page) == what


def test_a_hosts_own_name_is_no_word_of_the_proxy() -> None:
    reply = ProxyReply(503, "No", page=b"Cannot reach connection-refused.example")
    assert meaning(reply, "connection-refused.example", 443).fault == "failed"


def test_a_redirect_elsewhere_is_a_portal_and_one_to_the_host_itself_is_no_proxy() -> None:
    where = "https://gateway.example/auth?user=ann&token=secret"
    found = meaning(ProxyReply(307, "Go", (("location", where),)), "a.com", 443)
    assert found.fault == "portal"
    assert "gateway.example/auth" in found.text
    assert "secret" not in found.text
    assert fault(301, location="https://a.com/") == "no-proxy"
    assert fault(302) == "no-proxy"
    assert fault(302, location="/login") == "portal"
    assert fault(302, location="http://[") == "portal"
    assert fault(511) == "portal"


def test_every_scheme_of_a_login_is_named_once() -> None:
    assert login_schemes(["Negotiate", "NTLM"]) == ("Negotiate", "NTLM")
    several = [
        'Digest realm="a, Basic b", nonce="x", qop="auth", Basic realm="y"',
        "basic",
        "NTLM TlRM==",
    ]
    assert login_schemes(several) == ("Digest", "Basic", "NTLM")
    assert login_schemes(["Basic realm = x, charset = y"]) == ("Basic",)
    assert login_schemes(["\x1b[31m", ""]) == ()
    found = meaning(ProxyReply(407, "Login", (("proxy-authenticate", "Negotiate"),)), "a", 1)
    assert (found.fault, found.schemes) == ("login", ("Negotiate",))
    assert "Negotiate" in found.text


@pytest.mark.parametrize(
    "page",
    [b"<" * 16384, b"(1" * 8000, b"errno " * 2700, b"tim" * 5400, b" " * 16384, b'"' * 16384],
)
def test_a_hostile_page_takes_no_time(page: bytes) -> None:
    start = time.process_time()
    fault(503, "x", page, proxy_status=page.decode(), x_squid_error=page.decode())
    login_schemes([page.decode()])
    assert time.process_time() - start < 0.5


def test_a_digit_that_is_none_is_no_errno() -> None:
    assert fault(503, x_squid_error="ERR_CONNECT_FAIL \xb2") == "failed"


def test_replies_of_socks_are_told_with_whom_they_are_about() -> None:
    assert [socks_meaning(reply, "a.com", 443).fault for reply in range(1, 10)] == [
        "failed", "policy", "unreachable", "unreachable", "refused", "silence", "no-proxy",
        "address-kind", "failed",
    ]  # fmt: skip
    assert "a.com port 443: connection refused" in socks_meaning(5, "a.com", 443).text


def test_a_reply_is_read_with_its_fields_and_page_and_interim_ones_are_passed_over() -> None:
    head = b"HTTP/1.1 503 Service Unavailable\r\nX-Squid-Error: ERR_CONNECT_FAIL 111\r\nVia: 1.1 a\r\n\r\npage"
    for before in (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 4):
        reply = read_reply(before + head)
        assert reply is not None
        assert (reply.status, reply.reason, reply.page) == (503, "Service Unavailable", b"page")
        assert reply.values("x-squid-error") == ["ERR_CONNECT_FAIL 111"]
        assert meaning(reply, "a.com", 443).fault == "refused"
    for none in (
        b"",
        b"\x16\x03\x01",
        b"HTTP/1.1 999 x\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 5 + head,
    ):
        assert read_reply(none) is None
    many = read_reply(b"HTTP/1.1 403 x\r\n" + b"a: b\r\n" * 5000 + b"\r\n")
    assert many is not None
    assert len(many.fields) == MAX_FIELDS
