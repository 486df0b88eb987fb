"""Whom a text says was asked, and what is no host."""

from __future__ import annotations

import pytest

from detector.messages.target import best_of, is_private, proxy_in, targets_in


def asked(text: str) -> tuple[str, int | None] | None:
    whom = best_of(targets_in(text))
    return (whom.host, whom.port) if whom else None


@pytest.mark.parametrize(
    ("text", "whom"),
    [
        ("HTTPSConnectionPool(host='shop.example', port=8443): Max retries", ("shop.example", 8443)),
        ('Get "https://registry-1.docker.io/v2/": tls: failed', ("registry-1.docker.io", 443)),
        ("> CONNECT nodejs.org:443 HTTP/1.1\n> Host: nodejs.org:443", ("nodejs.org", 443)),
        ('connection to server at "db.internal", port 5432 failed', ("db.internal", 5432)),
        ("Connection to node -1 (kafka.example/10.0.0.1:9093) failed", ("kafka.example", 9093)),
        ("amqps://user:pw@mq.example/vhost", ("mq.example", 5671)),
        ("dial tcp 192.0.2.7:443: i/o timeout", ("192.0.2.7", 443)),
        ("https://[2001:db8::1]:8443/x", ("2001:db8::1", 8443)),
        ("Hostname/IP does not match certificate's altnames: Host: api.a.com. is not in the cert's altnames: DNS:*.b.com, DNS:b.com",
         ("api.a.com", None)),
        ("Certificate for <api.a.com> doesn't match any of the subject alternative names: [*.b.com, b.com]", ("api.a.com", None)),
        ("x509: certificate is valid for ingress.local, not api.k8s.a.io", ("api.k8s.a.io", None)),
        ("x509: certificate is valid for kubernetes, kubernetes.default.svc, not 34.12.1.2", ("34.12.1.2", None)),
        ("gnutls_handshake() with mail.example.org: failed", ("mail.example.org", None)),
    ],
)  # fmt: skip
def test_what_says_that_it_is_the_target_counts(text: str, whom: tuple[str, int | None]) -> None:
    assert asked(text) == whom


@pytest.mark.parametrize(
    "text",
    ["at TLSSocket.onConnectSecure (_tls_wrap.js:1484:34)", "javax.net.ssl.SSLHandshakeException: x",
     "(_ssl.c:1028)", "System.Net.WebException: x", "sun.security.ssl.Alerts.getSSLException(Alerts.java:208)",
     "memcache.go:265] error", "More details here: https://curl.se/docs/sslcerts.html", "in Post.php line 69",
     '  File "/usr/lib/python3.11/ssl.py", line 1', "listening on 0.0.0.0:443"],
)  # fmt: skip
def test_files_classes_functions_and_manuals_are_no_targets(text: str) -> None:
    assert asked(text) is None


@pytest.mark.parametrize(
    "text",
    ["* Uses proxy env variable https_proxy == 'http://127.0.0.1:3128'", "HTTPS_PROXY=http://me:pw@127.0.0.1:3128",
     "proxyconnect tcp: dial tcp 127.0.0.1:3128: connect: connection refused",
     "* Connected to 127.0.0.1 (127.0.0.1) port 3128 (#0)\n* allocate connect buffer\n* Establish HTTP proxy tunnel to a.example:443"],
)  # fmt: skip
def test_a_proxy_is_known_and_no_target(text: str) -> None:
    assert proxy_in(text) == ("127.0.0.1", 3128)
    assert asked(text) in (None, ("a.example", 443))


@pytest.mark.parametrize(
    "host", ["localhost", "10.1.2.3", "db", "git.corp", "k8s.example.org", "a.internal.shop.com"]
)
def test_a_private_host_is_nobodys_on_the_internet(host: str) -> None:
    assert is_private(host)


@pytest.mark.parametrize("host", ["github.com", "8.8.8.8", "shop.co.uk"])
def test_others_are_somebodys(host: str) -> None:
    assert not is_private(host)
