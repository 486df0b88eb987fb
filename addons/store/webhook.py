"""Tells a receiver over HTTPS that something breaks: from a thread of its own, which nobody waits for.

Rules
-----
1. Only https, verified; http to this machine alone. No redirect is followed, and of an answer ANSWER bytes are read.
2. Address and token are secrets: an address may hold a token. Neither is in a command line or a log, when they are in a
   file; lines name the receiver's host. The file must be its user's alone.
3. What fails waits in the store for its next turn. A receiver that is dead costs one line.
"""

from __future__ import annotations

import asyncio
import ipaddress
import queue
import threading
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from addons.store.episode_table import Notice
from addons.store.private_file import read_private
from detector.errors import ConfigError, FetchError
from detector.net.fetch import Fetcher, FetchOptions

ANSWER, PATIENCE = 64 << 10, 10.0
_WAITING = 8
_REMEDY = "https://..., or a file of mode 0600 that holds the address"


class Webhook(NamedTuple):
    """Whom to tell. What is written of it names the host alone.

    Attributes:
        url: the address.
        token: sent as a bearer token, empty for none.
        roots: PEM file of the only roots to trust, None for the system's.

    """

    url: str
    token: str = ""
    roots: Path | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    def __repr__(self) -> str:
        return f"Webhook({self.host})"


class Told(NamedTuple):
    """What became of a message; `trouble` is None where it arrived."""

    notice: Notice
    trouble: str | None


class Teller:
    """`give` a notice, later `taken` says what became of it; neither waits."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[tuple[Webhook, Notice]] = queue.Queue(_WAITING)
        self._results: queue.SimpleQueue[Told] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def has_room(self) -> bool:
        return not self._waiting.full()

    def give(self, webhook: Webhook, notice: Notice) -> None:
        """Send it, some time soon. Raises queue.Full where there is no room."""
        self._waiting.put_nowait((webhook, notice))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="bypass-webhook", daemon=True)
            self._thread.start()

    def taken(self) -> list[Told]:
        """What became of those that were given."""
        found: list[Told] = []
        while not self._results.empty():
            found.append(self._results.get_nowait())
        return found

    def _run(self) -> None:
        while True:
            webhook, notice = self._waiting.get()
            try:
                trouble = asyncio.run(send(webhook, notice.body))
            except Exception as error:
                trouble = f"unexpected {type(error).__name__}"
            self._results.put(Told(notice, trouble))


async def send(webhook: Webhook, body: bytes) -> str | None:
    """One message, once; what went wrong, without the address."""
    headers = {"Content-Type": "application/json"}
    if webhook.token:
        headers["Authorization"] = f"Bearer {webhook.token}"
    options = FetchOptions(timeout=PATIENCE, attempts=1, trust=webhook.roots)
    try:
        async with Fetcher(options) as fetch:
            await fetch.post(webhook.url, body, limit=ANSWER, headers=headers)
    except FetchError as error:
        return str(error).replace(error.url, webhook.host)
    return None


def webhook_of(where: str, token: str = "", roots: str = "") -> Webhook | None:
    """Out of options: an address or a file that holds one, a file of a token, a file of roots. None where there is none.

    Raises ConfigError, StoreError.
    """
    if not where:
        return None
    url = where if "://" in where else _first_line(where)
    _check(url)
    trust = Path(roots).expanduser() if roots else None
    if trust is not None and not trust.is_file():
        raise ConfigError("webhook", f"there is no file {trust}")
    return Webhook(url, _first_line(token) if token else "", trust)


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if not host or parts.scheme not in ("https", "http"):
        raise ConfigError("webhook", "is no https address", remedy=_REMEDY)
    if parts.scheme == "http" and not _is_here(host):
        raise ConfigError("webhook", f"http to {host} is open to anybody", remedy=_REMEDY)
    if parts.username is not None or parts.password is not None:
        raise ConfigError("webhook", "a login stands in the address", remedy="use a token's file")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _first_line(file: str) -> str:
    path = Path(file).expanduser()
    content = read_private(path)
    if content is None:
        raise ConfigError("webhook", f"there is no file {path}", remedy=_REMEDY)
    try:
        line = content.decode().strip()
    except UnicodeDecodeError:
        line = ""
    if not line or not line.isascii() or not line.isprintable() or " " in line:
        raise ConfigError("webhook", f"{path} holds no one line of an address or a token")
    return line
