"""Heads of the audit trail to somebody else's log: the only place that who has the machine cannot rewrite.

To the local socket (unix:/dev/log), by UDP (RFC 5426) or by TCP with counted octets (RFC 6587 section 3.4.1).
Nothing waits for an answer, because syslog has none; each head vouches for all entries before it, so one that is
lost is made good by the next.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from addons.bypass.audit import AuditEntry, Head
from addons.bypass.head_line import head_line
from detector.errors import ConfigError, StoreError

SYSLOG_VARIABLE = "TLSIGHT_BYPASS_SYSLOG"
_SECONDS = 2.0
_PORTS = {"udp": 514, "tcp": 601}  # RFC 5426 section 3.3, RFC 3195


class Syslog(NamedTuple):
    """Where to. `unix` is a path, the others have host and port."""

    kind: str
    path: str = ""
    host: str = ""
    port: int = 0

    def send(self, head: Head, entry: AuditEntry, store: Path) -> None:
        """Raises StoreError; a decision stands whether or not it was heard of."""
        line = head_line(
            head, entry, store=store_name(store), host=socket.gethostname(), process=os.getpid()
        )
        try:
            if self.kind == "unix":
                _to_socket(self.path, line)
            elif self.kind == "udp":
                _by_udp(self.host, self.port, line)
            else:
                with socket.create_connection((self.host, self.port), _SECONDS) as connection:
                    connection.sendall(b"%d " % len(line) + line)
        except OSError as error:
            where = self.path or f"{self.kind}://{self.host}:{self.port}"
            raise StoreError(where, f"syslog was not told: {error.strerror or error}") from None


def syslog_of(environment: Mapping[str, str]) -> Syslog | None:
    """What TLSIGHT_BYPASS_SYSLOG asks for. Raises ConfigError."""
    text = environment.get(SYSLOG_VARIABLE, "")
    return parse_syslog(text) if text else None


def parse_syslog(text: str) -> Syslog:
    """unix:/dev/log, udp://HOST[:PORT] or tcp://HOST[:PORT]. Raises ConfigError."""
    if text.startswith(("unix:/", "/")) and hasattr(socket, "AF_UNIX"):
        return Syslog("unix", path=text.removeprefix("unix:"))
    try:
        url = urlsplit(text)
        if url.scheme in _PORTS and url.hostname and not url.path.strip("/"):
            return Syslog(url.scheme, host=url.hostname, port=url.port or _PORTS[url.scheme])
    except ValueError:
        pass
    remedy = "write unix:/dev/log, udp://HOST:514 or tcp://HOST:601"
    raise ConfigError(SYSLOG_VARIABLE, f"{text!r} is no syslog", remedy=remedy)


def store_name(store: Path) -> str:
    """What a store is called in a log that has those of many."""
    return f"{socket.gethostname()}:{store.resolve()}"


def _to_socket(path: str, line: bytes) -> None:
    """Most systems have a datagram socket; some a stream, where a line ends with a newline."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as plain:
        plain.settimeout(_SECONDS)
        try:
            plain.connect(path)
        except OSError as error:
            import errno

            if error.errno != errno.EPROTOTYPE:
                raise
        else:
            plain.sendall(line)
            return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        stream.settimeout(_SECONDS)
        stream.connect(path)
        stream.sendall(line + b"\n")


def _by_udp(host: str, port: int, line: bytes) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as plain:
        plain.settimeout(_SECONDS)
        plain.sendto(line, address)
