"""Clients that fail in one known way each, against a server that speaks TLS, at once or after STARTTLS."""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.live.clients import said
from tests.live.programs import find


@dataclass(frozen=True)
class Server:
    """Where to go. `starttls` is openssl's word for the protocol, None for TLS at once."""

    port: int
    folder: Path
    host: str = "localhost"
    starttls: str | None = None


Broken = Callable[[Server], str]


def openssl(server: Server, *words: str, trust: Path | None = None) -> str:
    turned = ("-starttls", server.starttls) if server.starttls else ()
    checks = ("-verify_return_error", "-CAfile", str(trust)) if trust else ()
    return said(
        "timeout", "60", find("openssl"), "s_client", "-connect", f"127.0.0.1:{server.port}",
        "-servername", server.host, "-brief", *turned, *checks, *words,
    )  # fmt: skip


def untrusting(server: Server) -> str:
    """Another root than the server's: unknown_ca."""
    return openssl(server, trust=server.folder / "other.pem")


def untrusting_in_tls12(server: Server) -> str:
    return openssl(server, "-tls1_2", trust=server.folder / "other.pem")


def trusting(server: Server) -> str:
    """The right root: what it says then is about the certificate itself."""
    return openssl(server, "-tls1_2", trust=server.folder / "root.pem")


def old(server: Server) -> str:
    return openssl(server, "-tls1", "-cipher", "DEFAULT:@SECLEVEL=0")


def other_suites(server: Server) -> str:
    """Suites for RSA certificates, to a server that has an ECDSA one."""
    return openssl(server, "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")


def other_protocol(server: Server) -> str:
    return openssl(server, "-alpn", "mqtt")


def other_name(server: Server) -> str:
    return said(
        "timeout", "60", find("openssl"), "s_client", "-connect", f"127.0.0.1:{server.port}",
        "-servername", "unknown.example", "-brief",
    )  # fmt: skip


def stranger(server: Server) -> str:
    """A certificate of a CA that the server does not know."""
    pem = str(server.folder / "stranger.pem")
    return openssl(server, "-cert", pem, "-key", pem, "-tls1_2")


def without_certificate(server: Server) -> str:
    return openssl(server, "-tls1_2")


def clear_text(server: Server) -> str:
    with socket.create_connection(("127.0.0.1", server.port), 60) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return _rest(raw)


def garbage(server: Server) -> str:
    with socket.create_connection(("127.0.0.1", server.port), 60) as raw:
        raw.sendall(bytes(range(128, 192)) * 2)
        return _rest(raw)


def hanging_up(server: Server) -> str:
    """A hello, and then FIN."""
    with _greeted(server) as raw:
        raw.shutdown(socket.SHUT_WR)
        return _rest(raw)


def resetting(server: Server) -> str:
    """A hello, and then RST."""
    raw = _greeted(server)
    time.sleep(0.1)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()
    return ""


def _greeted(server: Server) -> socket.socket:
    """A connection on which half of a hello was sent."""
    raw = socket.create_connection(("127.0.0.1", server.port), 60)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=server.host)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        raw.sendall(outgoing.read())
    return raw


def _rest(raw: socket.socket) -> str:
    raw.settimeout(3)
    try:
        return raw.recv(4096).decode("latin-1")
    except OSError as error:
        return str(error)
