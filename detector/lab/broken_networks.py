"""What stands between: closed ports, filters, portals, proxies, and things that are no TLS servers."""

from __future__ import annotations

from collections.abc import Callable

from detector.lab.case import HOST, Case, Started, gated
from detector.lab.peers import Blunt, Deaf, Decision, Nobody
from detector.lab.pki import LabPki
from detector.wire.hello import ClientHello
from detector.wire.offer import TLS13, X25519MLKEM768
from detector.wire.records import HANDSHAKE, encode_record

_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nBad Request\n"
_PORTAL = b"HTTP/1.1 302 Found\r\nLocation: http://portal.lab.test/login\r\n\r\n"
_MYSQL = b"\x4a\x00\x00\x00\x0a8.0.36\x00" + bytes(70)
_HTTP2 = b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18)
_THROUGH_IT = ("--proxy", "http://127.0.0.1:{port}")


def _minds(
    when: Callable[[ClientHello, bytes, bytes], bool], otherwise: Decision
) -> Callable[[LabPki], Started]:
    """A good server behind something that breaks off when `when` holds."""
    return gated(lambda *seen: otherwise if when(*seen) else "pass")


def _offers_tls13(hello: ClientHello, _first: bytes, _whole: bytes) -> bool:
    return TLS13 in hello.versions


def _is_large(_hello: ClientHello, _first: bytes, whole: bytes) -> bool:
    return len(whole) > 1400


def _in_segments(_hello: ClientHello, first: bytes, whole: bytes) -> bool:
    return len(first) < len(whole)


def _in_records(_hello: ClientHello, _first: bytes, whole: bytes) -> bool:
    return 5 + int.from_bytes(whole[3:5], "big") < len(whole)


def _is_hybrid(hello: ClientHello, _first: bytes, _whole: bytes) -> bool:
    return X25519MLKEM768 in hello.groups


def _has_ech(hello: ClientHello, _first: bytes, _whole: bytes) -> bool:
    return hello.ech is not None


def _is_named(hello: ClientHello, _first: bytes, _whole: bytes) -> bool:
    return hello.sni == HOST


CASES: tuple[Case, ...] = (
    Case("no-name", "dns-failure", "a name that nobody resolves", lambda _: Blunt(),
         "nowhere.invalid"),
    Case("refused", "connection-refused", "nothing listens", lambda _: Nobody()),
    Case("dropped", "connection-timeout", "connections are not taken", lambda _: Deaf(),
         options=("--connect", "127.0.0.1:{port}", "--timeout", "1.5")),
    Case("silent", "silent-drop", "accepts, and says nothing", lambda _: Blunt(silent=True)),
    Case("closes", "closed-during-handshake", "closes after the ClientHello", lambda _: Blunt()),
    Case("resets", "connection-reset", "resets after the ClientHello",
         lambda _: Blunt(reset=True)),
    Case("name-filter", "connection-reset", "a filter resets connections to this name",
         _minds(_is_named, "reset")),
    Case("tls13-reset", "tls13-intolerant", "resets clients that offer TLS 1.3",
         _minds(_offers_tls13, "reset")),
    Case("tls13-alert", "tls13-intolerant", "sends protocol_version where it should go on",
         _minds(_offers_tls13, 70)),
    Case("large-hello", "large-hello-dropped", "swallows ClientHellos over 1,400 bytes",
         _minds(_is_large, "silent")),
    Case("large-hello-reset", "large-hello-dropped", "resets ClientHellos over 1,400 bytes",
         _minds(_is_large, "reset")),
    Case("split-segments", "split-hello-intolerant", "wants the hello in one TCP segment",
         _minds(_in_segments, "reset")),
    Case("split-records", "split-hello-intolerant", "wants the hello in one TLS record",
         _minds(_in_records, "close")),
    Case("post-quantum", "post-quantum-intolerant", "breaks on X25519MLKEM768",
         _minds(_is_hybrid, "close")),
    Case("ech", "extension-intolerant", "breaks on Encrypted ClientHello",
         _minds(_has_ech, "reset")),
    Case("plain-http", "not-tls", "speaks HTTP without TLS", lambda _: Blunt(_BAD_REQUEST)),
    Case("http2-clear", "not-tls", "speaks HTTP/2 without TLS", lambda _: Blunt(_HTTP2)),
    Case("ssh", "not-tls", "an SSH server", lambda _: Blunt(greeting=b"SSH-2.0-OpenSSH_9.2\r\n")),
    Case("smtp", "not-tls", "a mail server before STARTTLS",
         lambda _: Blunt(greeting=b"220 mail.lab.test ESMTP ready\r\n")),
    Case("mysql", "not-tls", "a database before it turns to TLS", lambda _: Blunt(greeting=_MYSQL)),
    Case("garbage", "malformed-handshake", "a record that makes no sense",
         lambda _: Blunt(encode_record(HANDSHAKE, b"\x02\x00\x00\x04nono"))),
    Case("portal", "captive-portal", "a log-in page answers on the TLS port",
         lambda _: Blunt(_PORTAL)),
    Case("proxy-refuses", "proxy-refused", "a proxy that forbids the host",
         lambda _: Blunt(b"HTTP/1.1 403 Forbidden\r\n\r\n"), "www.example.com", _THROUGH_IT,
         "{host}"),
    Case("proxy-cannot", "bad-gateway", "a proxy that cannot reach the host and does not say why",
         lambda _: Blunt(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"), "www.example.com", _THROUGH_IT,
         "{host}"),
    Case("proxy-tells", "connection-refused", "a proxy that finds the host's port closed",
         lambda _: Blunt(b"HTTP/1.1 503 Service Unavailable\r\n"
                          b"X-Squid-Error: ERR_CONNECT_FAIL 111\r\n\r\n"),
         "www.example.com", _THROUGH_IT, "{host}"),
    Case("proxy-login", "proxy-auth-required", "a proxy that wants a password",
         lambda _: Blunt(b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                          b'Proxy-Authenticate: Basic realm="lab"\r\n\r\n'),
         "www.example.com", _THROUGH_IT, "{host}"),
)  # fmt: skip
