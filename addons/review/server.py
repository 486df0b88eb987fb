"""Starting the page: where it listens, with which secret, and what it demands beyond this machine."""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import uvicorn

from addons.review.access import Access
from addons.review.app import Review
from detector import clock
from detector.bounded import read_bounded
from detector.chain.certificate import MAX_PEM
from detector.errors import ConfigError, StoreError

_MIN_PASSWORD = 12
_MAX_SECRET = 64 << 10


class Listening(NamedTuple):
    """A page that can be asked. `secret_file` holds the token, None where a password was given."""

    url: str
    secret_file: Path | None


def serve(store: Path, listen: str, certificate: Path | None, password: Path | None) -> None:
    """Until it is interrupted. Raises ConfigError, StoreError."""
    server, bound, listening = _prepared(store, listen, certificate, password)
    print(f"review page: {listening.url}", flush=True)
    if listening.secret_file is not None:
        print(f"token: {listening.secret_file.read_text().strip()}", flush=True)
        print(f"(also in {listening.secret_file}, which only you can read)", flush=True)
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
) -> tuple[uvicorn.Server, socket.socket, Listening]:
    address, port = _split(listen)
    beyond = not address.is_loopback
    if beyond and (certificate is None or password is None):
        why = f"{address} is not this machine alone"
        remedy = "give --certificate and --password-file, or listen on 127.0.0.1"
        raise ConfigError("--listen", why, remedy=remedy)
    secret_file = None if password is not None else store.with_name("review-token")
    secret = _password(password) if password is not None else secrets.token_urlsafe(24)
    bound = _bound(address, port)
    port = bound.getsockname()[1]
    if secret_file is not None:
        _keep(secret_file, secret)
    scheme = "https" if certificate is not None else "http"
    shown = f"[{address}]" if address.version == 6 else str(address)
    names = {shown, "localhost"} if not beyond else {shown, *_names(certificate)}
    hosts = frozenset(f"{name}:{port}" for name in names) | (
        frozenset(names) if port == (443 if certificate is not None else 80) else frozenset()
    )
    access = Access(secret, hosts, scheme, clock.stopwatch)
    config = uvicorn.Config(
        Review(store, access, clock.now).app(),
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=64 << 10,
        limit_concurrency=200,
        ssl_certfile=str(certificate) if certificate is not None else None,
        timeout_keep_alive=30,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        bound.close()
        why = f"cannot be used: {error.strerror or error}"
        raise ConfigError(str(certificate), why) from None
    return uvicorn.Server(config), bound, Listening(f"{scheme}://{shown}:{port}/", secret_file)


def _split(listen: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]:
    host, _, port = listen.rpartition(":")
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host.strip("[]"))
        if not 0 <= int(port) <= 65535:
            raise ValueError("no port")
    except ValueError:
        raise ConfigError("--listen", f"{listen!r} is no ADDRESS:PORT") from None
    return address, int(port)


def _bound(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((str(address), port))
        bound.listen(128)  # who is told the address may ask at once
    except OSError as error:
        bound.close()
        remedy = "another program listens there; give another port"
        raise ConfigError(
            "--listen", f"{address}:{port}: {error.strerror}", remedy=remedy
        ) from None
    return bound


def _password(path: Path) -> str:
    try:
        text = read_bounded(path, _MAX_SECRET).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"cannot be read: {error}") from None
    if len(text) < _MIN_PASSWORD:
        raise ConfigError(str(path), f"a password of fewer than {_MIN_PASSWORD} characters")
    return text


def _keep(path: Path, secret: str) -> None:
    """For this user's eyes alone, and new at every start."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secret + "\n")
    except OSError as error:
        raise StoreError(str(path), f"cannot be written: {error.strerror}") from None


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
