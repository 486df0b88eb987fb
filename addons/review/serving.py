"""Starting a page: where it listens, with which secret, and what it demands beyond this machine."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec
import uvicorn
from starlette.types import ASGIApp

from addons.bypass.shown import shown
from addons.review.access import Access
from addons.review.admission import Server
from addons.review.forwarded import Forwarded
from addons.review.listening import bound_door, listening_at
from addons.review.token_file import placed_token
from addons.review.users_file import UsersFile
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
        secret_file: holds the token, None where there is none.
        metrics_file: holds the token for /metrics, which stays from start to start.
        users_file: who may log in by name.

    """

    url: str
    secret_file: Path | None
    metrics_file: Path
    users_file: Path | None = None

    @property
    def way_in(self) -> str:
        """Where it says who may log in."""
        if self.secret_file is not None:
            return f"token in {self.secret_file}"
        return f"users of {self.users_file}"


class House(NamedTuple):
    """A page that can be started.

    Attributes:
        name: e.g. "review": "review page" to people, and the beginning of its files' names.
        beside: what it shows; its files are beside that.
        app: the application, for those who may.
        verb: that changes its users, e.g. "tlsight bypass user".
        holder: what whoever has the token is called.
        cookies: beginning of its cookies' names.
        lifespan: whether the application has something to open and close.

    """

    name: str
    beside: Path
    app: Callable[[Access], ASGIApp]
    verb: str
    holder: str
    cookies: str
    lifespan: Literal["on", "off"] = "off"

    def file(self, what: str) -> Path:
        """One of its files."""
        return self.beside.with_name(f"{self.name}-{what}")


class Entrance(msgspec.Struct, frozen=True):
    """How one gets in.

    Attributes:
        certificate: PEM with certificate and key.
        password: a file with one for all.
        users: named ones; the file `NAME-users` beside what the page shows where there is one.
        forwarded: a reverse proxy that names users.
        public: the page's URL in a browser, where a reverse proxy is in front.
        two_person: what is wide takes a second person.

    """

    certificate: Path | None = None
    password: Path | None = None
    users: Path | None = None
    forwarded: Forwarded | None = None
    public: str | None = None
    two_person: bool = False


def serve(house: House, listen: str, entrance: Entrance) -> None:
    """Until it is interrupted or told to end. Raises ConfigError, StoreError."""
    # Uvicorn raises the signal that ended it once more, and that would end us before the token is gone.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server, bound, listening, leave = _prepared(house, listen, entrance)
    try:
        _tell(house, listening)
        server.run(sockets=[bound])
    finally:
        leave()


def start(house: House, listen: str) -> tuple[Listening, Callable[[], None]]:
    """In a thread of its own, on loopback; the page and what stops it. Raises ConfigError, StoreError."""
    server, bound, listening, leave = _prepared(house, listen, Entrance())
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [bound]}, name=f"{house.name}-page", daemon=True
    )
    thread.start()

    def stop() -> None:
        server.should_exit = True
        server.force_exit = True
        thread.join(5)
        leave()

    return listening, stop


def _prepared(
    house: House, listen: str, entrance: Entrance
) -> tuple[Server, socket.socket, Listening, Callable[[], None]]:
    address, port = listening_at(listen)
    beyond = not address.is_loopback
    certificate, password = entrance.certificate, entrance.password
    users_path = entrance.users or _usual(house)
    users = UsersFile(users_path, house.verb) if users_path is not None else None
    named = users is not None or entrance.forwarded is not None
    if users is not None and password is not None:
        why = "one password for all, beside named users, would name nobody"
        raise ConfigError("--password-file", why, remedy=f"leave it out, or move {users_path} away")
    if beyond and (certificate is None or (password is None and not named)):
        why = f"{address} is not this machine alone"
        remedy = "give --certificate and --users or --password-file, or listen on 127.0.0.1"
        raise ConfigError("--listen", why, remedy=remedy)
    if entrance.two_person and not named:
        why = "one token is one person"
        raise ConfigError("--two-person", why, remedy="give --users, or --user-header")
    syslog_of(os.environ)  # said now, and not at the first decision
    public = _public(entrance.public) if entrance.public is not None else None
    secret: str | None = None
    if password is not None:
        secret = _password(password)
    elif users is None and not (named and (beyond or entrance.two_person)):
        secret = secrets.token_urlsafe(24)
    bound = bound_door(address, port)
    port = bound.getsockname()[1]
    secret_file, leave = None, _nothing
    metrics_file = house.file("metrics-token")
    try:
        if secret is not None and password is None:
            secret_file, leave = placed_token(house.beside.parent, port, secret, house.name)
        scheme = "https" if certificate is not None else "http"
        host = f"[{address}]" if address.version == 6 else str(address)
        names = {host, "localhost"} if not beyond else {host, *_names(certificate)}
        hosts = frozenset(f"{name}:{port}" for name in names) | (
            frozenset(names) if port == (443 if certificate is not None else 80) else frozenset()
        )
        metrics = _kept(metrics_file)
    except BaseException:
        bound.close()
        leave()
        raise
    access = Access(
        secret,
        hosts,
        scheme,
        clock.stopwatch,
        metrics,
        guessable=password is not None,
        users=users,
        forwarded=entrance.forwarded,
        public=public,
        two_person=entrance.two_person,
        holder=house.holder,
        cookie=f"{house.cookies}_session",
        known_cookie=f"{house.cookies}_known",
    )
    bound.admission = access.admission
    config = uvicorn.Config(
        house.app(access),
        log_level="error",  # what strangers send is no news
        access_log=False,
        server_header=False,
        lifespan=house.lifespan,
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
        leave()
        why = f"cannot be used: {error.strerror or error}"
        raise ConfigError(str(certificate), why) from None
    server = Server(config)
    server.admission = access.admission
    url = f"{public or f'{scheme}://{host}:{port}'}/"
    return server, bound, Listening(url, secret_file, metrics_file, users_path), leave


def _tell(house: House, listening: Listening) -> None:
    print(f"{house.name} page: {listening.url}", flush=True)
    if listening.secret_file is not None:
        print(shown(f"token in {listening.secret_file}, which only you can read"), flush=True)
        if sys.stdout.isatty():  # a journal or a file would keep it for others
            print(f"token: {listening.secret_file.read_text().strip()}", flush=True)
    if listening.users_file is not None:
        print(shown(f"users of {listening.users_file}"), flush=True)
    print(shown(f"token for /metrics alone in {listening.metrics_file}"), flush=True)


def _nothing() -> None:
    pass


def _usual(house: House) -> Path | None:
    path = house.file("users")
    return path if path.exists() or path.is_symlink() else None


def _public(text: str) -> str:
    """As a browser writes it in Origin and Host."""
    usual = {"http": 80, "https": 443}
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError:
        parts, port, host = urlsplit(""), None, None
    name = parts.netloc.lower() if host else ""
    if parts.scheme not in usual or not name or "@" in name or not name.isascii():
        host = None
    if host is None or parts.path not in ("", "/") or parts.query or parts.fragment:
        remedy = "write https://NAME or https://NAME:PORT; the page has no folder of its own"
        raise ConfigError("--url", f"{text!r} cannot be the page's", remedy=remedy)
    if port == usual[parts.scheme]:
        name = name.rpartition(":")[0]
    return f"{parts.scheme}://{name}"


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
