"""Words of TLS, and those of everyday life."""

from __future__ import annotations

import pytest

from detector.messages.marking import (
    names_tls,
    other_port,
    speaks_of_tls,
    strongly_marked,
    telling,
    weakly_marked,
)


@pytest.mark.parametrize(
    "text",
    ["SSL_connect failed", "rustls::conn", "x509: unknown", "PKIX path", "certificate verify failed",
     "schannel: next InitializeSecurityContext", "0x80092012", "未能为 SSL/TLS 安全通道建立信任关系", "证书无效",
     "Dies ist keine sichere Verbindung", "NSURLErrorDomain Code=-1202", "net_error -202"],
)  # fmt: skip
def test_words_of_tls_are_strong(text: str) -> None:
    assert strongly_marked(text)
    assert speaks_of_tls(text)


@pytest.mark.parametrize(
    "text",
    [
        "what a hassle",
        "the title says",
        "a subtle error",
        "crossline",
        "GET http://a.example/",
        "has expired",
    ],
)
def test_words_that_look_like_it_are_not(text: str) -> None:
    assert not strongly_marked(text)


def test_https_and_its_port_are_weak() -> None:
    assert weakly_marked("Failed to fetch https://a.example/")
    assert weakly_marked("dial tcp 192.0.2.1:443: i/o timeout")
    assert not weakly_marked("dial tcp 192.0.2.1:4430: i/o timeout")


def test_codes_tell_by_themselves_and_everyday_words_do_not() -> None:
    assert telling("UNABLE_TO_VERIFY_LEAF_SIGNATURE")
    assert telling("UnknownIssuer")
    assert not telling("internal error")
    assert not names_tls("timed out")


@pytest.mark.parametrize(
    ("line", "other"),
    [("connect ECONNREFUSED 127.0.0.1:5432", True), ("ssh: connect to host a.example port 22: refused", True),
     ("read tcp 10.0.0.5:52144->203.0.113.5:443: read: reset", False), ("connection refused", False),
     ("at 12:00:07 the connection timed out", False)],
)  # fmt: skip
def test_a_port_where_no_tls_is_spoken_is_known(line: str, other: bool) -> None:
    assert other_port(line) is other
