"""Every program's lines, as the program wrote them; the program is recognised, not told."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from detector.knowledge.explanations import error_table
from detector.logs.programs import all_programs
from tests.logs.reader import read


class Wanted(NamedTuple):
    program: str
    cause: str
    complainant: str | None
    peer: str | None = "192.0.2.7"
    name: str | None = None
    alert: int | None = None
    noise: bool = False
    upstream: bool = False


TRANSCRIPTS: list[tuple[str, Wanted]] = [
    (
        "2026/11/24 00:23:21 [info] 12#12: *2 SSL_do_handshake() failed (SSL: error:0A000418:SSL routines::"
        "tlsv1 alert unknown ca:SSL alert number 48) while SSL handshaking, client: 192.0.2.7, server: 0.0.0.0:443",
        Wanted("nginx", "untrusted-root", "client", name="0.0.0.0:443", alert=48),
    ),
    (
        "2026/11/24 00:23:21 [info] 12#12: *6 client sent plain HTTP request to HTTPS port while reading client"
        ' request headers, client: 192.0.2.7, server: a.example, request: "GET / HTTP/1.1", host: "a.example"',
        Wanted("nginx", "not-tls", "server", name="a.example", noise=True),
    ),
    (
        "2026/11/24 00:23:21 [error] 12#12: *6 upstream SSL certificate verify error: (10:certificate has expired)"
        ' while SSL handshaking to upstream, client: 192.0.2.7, server: a.example, request: "GET / HTTP/1.1",'
        ' upstream: "https://198.51.100.4:8443/", host: "a.example"',
        Wanted("nginx", "certificate-expired", "client", "198.51.100.4", "a.example", upstream=True),
    ),
    (
        "[Tue Nov 24 00:23:26.305955 2026] [ssl:info] [pid 1:tid 9] [client 192.0.2.7:39730] AH02008: SSL library"
        " error 1 in handshake (server a.example:443)\n"
        "[Tue Nov 24 00:23:26.305973 2026] [ssl:info] [pid 1:tid 9] SSL Library Error: error:0A0000C1:SSL"
        " routines::no shared cipher -- Too restrictive SSLCipherSuite or using DSA server certificate?",
        Wanted("apache", "no-shared-cipher", "server", name="a.example"),
    ),
    (
        "192.0.2.7:60196 [24/Nov/2026:00:23:31.154] front~ SSL handshake failure 000000000A000418"
        " error:0A000418:SSL routines::tlsv1 alert unknown ca sni=a.example",
        Wanted("haproxy", "untrusted-root", "client", name="a.example", alert=48),
    ),
    (
        "Nov 24 00:23:31 lb haproxy[77]: 192.0.2.7:60196 [24/Nov/2026:00:23:31.154] front/1: SSL handshake failure",
        Wanted("haproxy", "reason-not-logged", None, name="front"),
    ),
    (
        'Nov 24 00:23:31 lb haproxy[77]: Server app/s1 is DOWN, reason: Layer6 invalid response, info: "SSL'
        ' handshake failure", check duration: 3ms.',
        Wanted("haproxy", "reason-not-logged", None, None, "app/s1", upstream=True),
    ),
    (
        "2026.11.24 00:23:39 LOG5[4]: Service [imaps] accepted connection from 192.0.2.7:34624\n"
        "2026.11.24 00:23:39 LOG3[4]: SSL_accept: ../ssl/record/rec_layer_s3.c:1601: error:0A000415:SSL"
        " routines::sslv3 alert certificate expired",
        Wanted("stunnel", "certificate-expired", "client", alert=45),
    ),
    (
        "Nov 24 00:23:46 mail postfix/smtpd[12]: SSL_accept error from a.example[192.0.2.7]: -1\n"
        "Nov 24 00:23:46 mail postfix/smtpd[12]: warning: TLS library problem: error:0A000102:SSL routines::"
        "unsupported protocol:../ssl/statem/statem_srvr.c:1664:",
        Wanted("postfix", "version-mismatch", "server"),
    ),
    (
        "Nov 24 00:23:46 mail postfix/smtpd[12]: SSL_accept error from a.example[192.0.2.7]: lost connection",
        Wanted("postfix", "closed-during-handshake", None),
    ),
    (
        "Nov 24 00:23:46 mail postfix/smtp[12]: mx.example[198.51.100.4]:25: Server certificate not trusted",
        Wanted("postfix", "untrusted-root", "client", "198.51.100.4", "mx.example", upstream=True),
    ),
    (
        "Nov 24 00:23:58 imap-login: Debug: SSL error: SSL_accept() failed: error:0A0000C1:SSL routines::no shared"
        " cipher\n"
        "Nov 24 00:23:58 imap-login: Info: Disconnected: Connection closed: SSL_accept() syscall failed: Invalid"
        " argument (no auth attempts in 0 secs): user=<>, rip=192.0.2.7, lip=192.0.2.1, TLS handshaking:"
        " SSL_accept() syscall failed: Invalid argument, session=<x>",
        Wanted("dovecot", "no-shared-cipher", "server"),
    ),
    (
        "2026-11-24 00:24:02 TLS error on connection from a.example [192.0.2.7] (SSL_accept): error:0A000418:SSL"
        " routines::tlsv1 alert unknown ca",
        Wanted("exim", "untrusted-root", "client", alert=48),
    ),
    (
        "2026-11-24 00:24:02 TLS error on connection from a.example [192.0.2.7] (gnutls_handshake): A TLS fatal"
        " alert has been received.: Certificate is bad",
        Wanted("exim", "untrusted-root", "client"),
    ),
    (
        "2026-11-24 00:24:11.129 UTC [12] LOG:  connection received: host=192.0.2.7 port=41292\n"
        "2026-11-24 00:24:11.130 UTC [12] LOG:  could not accept SSL connection: tlsv1 alert unknown ca",
        Wanted("postgresql", "untrusted-root", "client", alert=48),
    ),
    (
        "2026-11-24  0:24:15 5 [Warning] Aborted connection 5 to db: 'unconnected' user: 'unauthenticated' host:"
        " '192.0.2.7' (This connection closed normally without authentication)",
        Wanted("mysql", "reason-not-logged", None),
    ),
    (
        "2026-11-24 00:24:15 192.0.2.7:1194 VERIFY ERROR: depth=0, error=certificate has expired: CN=laptop\n"
        "2026-11-24 00:24:15 192.0.2.7:1194 OpenSSL: error:0A000086:SSL routines::certificate verify failed\n"
        "2026-11-24 00:24:15 192.0.2.7:1194 TLS Error: TLS handshake failed",
        Wanted("openvpn", "client-certificate-rejected", "server"),
    ),
    (
        "2026-11-24 00:24:15 192.0.2.7:1194 TLS Error: TLS key negotiation failed to occur within 60 seconds"
        " (check your network connectivity)",
        Wanted("openvpn", "silent-drop", None),
    ),
    (
        "2026/11/24 01:02:28| ERROR: failure while accepting a TLS connection on conn8 local=192.0.2.1:3128"
        " remote=192.0.2.7:57066 FD 13 flags=1: 0x55af2826aa20*1",
        Wanted("squid", "reason-not-logged", None),
    ),
    (
        "1795482201.022 192.0.2.7:49148 NONE_NONE/200 a.example:443 a.example ERR_SECURE_ACCEPT_FAIL/"
        "SQUID_TLS_ERR_ACCEPT+TLS_LIB_ERR=A000418+TLS_IO_ERR=1",
        Wanted("squid", "untrusted-root", "client", name="a.example", alert=48),
    ),
    (
        "1795482201.022 192.0.2.7:49148 NONE_NONE/200 a.example:443 a.example ERR_SECURE_ACCEPT_FAIL/"
        "SQUID_TLS_ERR_ACCEPT+TLS_LIB_ERR=A0000C1+TLS_IO_ERR=1",
        Wanted("squid", "no-shared-cipher", "server", name="a.example"),
    ),
    (
        "[01:01:29.417][192.0.2.7:56650] Client TLS handshake failed. The client does not trust the proxy's"
        " certificate for a.example (tlsv1 alert unknown ca)",
        Wanted("mitmproxy", "client-lacks-ca", "client", name="a.example", alert=48),
    ),
    (
        "[01:01:29.430][192.0.2.7:56660] Server TLS handshake failed. Certificate verify failed: certificate has"
        " expired",
        Wanted("mitmproxy", "certificate-expired", "client", None, upstream=True),
    ),
    (
        "2026-11-24 00:24:15: (mod_openssl.c.3339) SSL: 1 error:0A000418:SSL routines::tlsv1 alert unknown ca"
        " (192.0.2.7)",
        Wanted("lighttpd", "untrusted-root", "client", alert=48),
    ),
    (
        '[2026-11-24T00:24:15.123Z] "GET / HTTP/1.1" 503 UF,URX upstream_reset_before_response_started{'
        'connection_failure,TLS_error:_268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED} -'
        ' "TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end" 0 91 4 -'
        ' "-" "curl" "id" "a.example" "198.51.100.4:443" outbound|443||a.example -',
        Wanted("envoy", "incomplete-chain", "client", "198.51.100.4", "outbound|443||a.example", upstream=True),
    ),
    (
        '{"start_time":"2026-11-24T00:24:15.123Z","downstream_remote_address":"192.0.2.7:5555",'
        '"requested_server_name":"a.example","downstream_transport_failure_reason":'
        '"TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end"}',
        Wanted("envoy", "not-tls", "server", name="a.example", noise=True),
    ),
    (
        '{"level":"debug","ts":1795479858.51,"logger":"http.stdlib","msg":"http: TLS handshake error from'
        ' 192.0.2.7:34018: tls: client offered only unsupported versions: [301]"}',
        Wanted("caddy", "version-mismatch", "server"),
    ),
    (
        'time="2026-11-24T00:24:15Z" level=debug msg="http: TLS handshake error from 192.0.2.7:34018: remote'
        ' error: tls: unknown certificate authority"',
        Wanted("traefik", "untrusted-root", "client", alert=48),
    ),
    (
        "2026-11-24T00:24:15Z DBG log/log.go:245 > http: TLS handshake error from 192.0.2.7:34018: remote error:"
        " tls: expired certificate",
        Wanted("traefik", "certificate-expired", "client", alert=45),
    ),
    (
        "2026/11/24 00:24:15 http: TLS handshake error from [2001:db8::7]:34018: tls: client didn't provide a"
        " certificate",
        Wanted("go", "client-certificate-required", "server", "2001:db8::7"),
    ),
    (
        "24-Nov-2026 00:24:15.000 FINE [https-jsse-nio-8443-exec-1] org.apache.tomcat.util.net.NioEndpoint"
        " Handshake failed\njavax.net.ssl.SSLHandshakeException: Received fatal alert: certificate_unknown",
        Wanted("java", "untrusted-root", "client", None, alert=46),
    ),
    (
        "Error: C0B7:error:0A000412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate:../deps/openssl/"
        "openssl/ssl/record/rec_layer_s3.c:1590:SSL alert number 42",
        Wanted("node", "untrusted-root", "client", None, alert=42),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "wanted"), TRANSCRIPTS, ids=lambda v: getattr(v, "program", ""))
def test_a_line_is_told_as_what_it_means(lines: str, wanted: Wanted) -> None:
    (event,) = read(lines + "\n")
    told = Wanted(
        event.program, event.cause, event.complainant, event.peer, event.name if wanted.name else None,
        event.alert, event.noise, event.upstream,
    )  # fmt: skip
    assert told == wanted


def test_times_are_read_from_every_line_that_has_one() -> None:
    for lines, wanted in TRANSCRIPTS:
        if wanted.program not in ("java", "node"):
            assert {event.at for event in read(lines)} != {None}, lines


def test_every_program_has_a_transcript() -> None:
    assert {wanted.program for _, wanted in TRANSCRIPTS} == {one.name for one in all_programs()}


def test_every_needle_is_in_what_its_expression_wants() -> None:
    """A row whose needle its own lines do not hold would never be read."""
    causes = error_table().causes
    for one in all_programs():
        for row in one.rows:
            assert row.cause == "" or row.cause in causes
    for lines, wanted in TRANSCRIPTS:
        program = next(p for p in all_programs() if p.name == wanted.program)
        assert any(needle in lines.encode() for needle in program.needles), wanted.program
