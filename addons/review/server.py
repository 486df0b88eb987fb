"""Starting the page: where it listens, with which secret, and what it demands beyond this machine."""

from __future__ import annotations

import os
import secrets
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import uvicorn

from addons.bypass.shown import shown
from addons.review.access import Access
from addons.review.admission import Server
from addons.review.app import Review
from addons.review.listening import bound_door, listening_at
from addons.store.private_file import read_private, write_private
from addons.store.syslog import syslog_of
from detector import clock
from detector.bounded import read_bounded
from detector.chain.certificate import MAX_PEM
from detector.errors import ConfigError

_MIN_PASSWORD = 12
_MAX_SECRET = 64 << 10


class Listening(NamedTuple):
    """A page that can be asked.

    Attributes:
        secret_file: holds the token, None where a password was given.
        metrics_file: holds the token for /metrics, which stays from start to start.

    """

    url: str
    secret_file: Path | None
    metrics_file: Path


def serve(store: Path, listen: str, certificate: Path | None, password: Path | None) -> None:
    """Until it is interrupted. Raises ConfigError, StoreError."""
    server, bound, listening = _prepared(store, listen, certificate, password)
    print(f"review page: {listening.url}", flush=True)
    if listening.secret_file is not None:
        print(shown(f"token in {listening.secret_file}, which only you can read"), flush=True)
        if sys.stdout.isatty():  # a journal or a file would keep it for others
            print(f"token: {listening.secret_file.read_text().strip()}", flush=True)
    print(shown(f"token for /metrics alone in {listening.metrics_file}"), flush=True)
    server.run(sockets=[bound])


def start(store: Path, listen: str) -> tuple[Listening, Callable[[], None]]:
    """In a thread of its own, on loopback; the page and what stops it. Raises ConfigError, StoreError."""
    server, bound, listening = _prepared(store, listen, None, None)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [bound]}, name="review-page", daemon=True
    )
    thread.start()

    def stop() -> None:
        server.should_exit = True
        server.force_exit = True
        thread.join(5)

    return listening, stop


def _prepared(
    store: Path, listen: str, certificate: Path | None, password: Path | None
) -> tuple[Server, socket.socket, Listening]:
    address, port = listening_at(listen)
    beyond = not address.is_loopback
    if beyond and (certificate is None or password is None):
        why = f"{address} is not this machine alone"
        remedy = "give --certificate and --password-file, or listen on 127.0.0.1"
        raise ConfigError("--listen", why, remedy=remedy)
    syslog_of(os.environ)  # said now, and not at the first decision
    secret_file = None if password is not None else store.with_name("review-token")
    secret = _password(password) if password is not None else secrets.token_urlsafe(24)
    bound = bound_door(address, port)
    port = bound.getsockname()[1]
    if secret_file is not None:
        write_private(secret_file, f"{secret}\n".encode())
    metrics_file = store.with_name("review-metrics-token")
    scheme = "https" if certificate is not None else "http"
    host = f"[{address}]" if address.version == 6 else str(address)
    names = {host, "localhost"} if not beyond else {host, *_names(certificate)}
    hosts = frozenset(f"{name}:{port}" for name in names) | (
        frozenset(names) if port == (443 if certificate is not None else 80) else frozenset()
    )
    metrics = _kept(metrics_file)
    guessable = password is not None
    access = Access(secret, hosts, scheme, clock.stopwatch, metrics, guessable)
    bound.admission = access.admission
    config = uvicorn.Config(
        Review(store, access, clock.now).app(),
        log_level="error",  # what strangers send is no news
        access_log=False,
        server_header=False,
        lifespan="off",
        loop="asyncio",  # another one would not ask the door
        http="h11",
        ws="none",
        proxy_headers=False,  # who connects cannot say that it is somebody else
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=64 << 10,
        ssl_certfile=str(certificate) if certificate is not None else None,
        timeout_keep_alive=5,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        bound.close()
        why = f"cannot be used: {error.strerror or error}"
        raise ConfigError(str(certificate), why) from None
    server = Server(config)
    server.admission = access.admission
    return server, bound, Listening(f"{scheme}://{host}:{port}/", secret_file, metrics_file)


def _password(path: Path) -> str:
    try:
        text = read_bounded(path, _MAX_SECRET).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"cannot be read: {error}") from None
    if len(text) < _MIN_PASSWORD:
        raise ConfigError(str(path), f"a password of fewer than {_MIN_PASSWORD} characters")
    return text


def _kept(path: Path) -> str:
    """The token that was made at the first start: programs have it in their settings."""
    found = (read_private(path) or b"").decode("ascii", "replace").strip()
    if len(found) < _MIN_PASSWORD:
        found = secrets.token_urlsafe(24)
        write_private(path, f"{found}\n".encode())
    return found


def _names(certificate: Path | None) -> list[str]:
    """DNS names of the certificate: names that the page may be called by."""
    from cryptography import x509

    assert certificate is not None
    try:
        found = x509.load_pem_x509_certificate(read_bounded(certificate, MAX_PEM))
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    except (OSError, ValueError, x509.ExtensionNotFound) as error:
        raise ConfigError(str(certificate), f"no certificate with names: {error}") from None
