"""What was asked, so that a command can ask it again: whom, by which way, compared with what."""

from __future__ import annotations

import msgspec

from detector.errors import TargetError
from detector.model.observation import Observation, Target
from detector.model.targets import normal_host, socket_text

PLACEHOLDER = "HOST"


class Asked(msgspec.Struct, frozen=True):
    """One question to one server.

    Attributes:
        host, port: whom; an IP literal has no brackets.
        sni: the name that was sent, None where none was.
        connect: address and port that were dialled instead of the host's own.
        proxy: its URL, without credentials; a name is resolved here by socks5, by the proxy otherwise.
        proxy_user: whom the proxy knows. Its password is nowhere.
        starttls: the protocol that turned to TLS.
        roots: PEM file of the roots to trust instead of the system's.
        credential: files of the client's certificate and its key.
        words: options that make a verb of tlsight ask the same way and compare with the same.
        path: what was asked for in HTTP, None for the root.

    """

    host: str
    port: int = 443
    sni: str | None = None
    connect: tuple[str, int] | None = None
    proxy: str | None = None
    proxy_user: str | None = None
    starttls: str | None = None
    roots: str | None = None
    credential: tuple[str, str] | None = None
    words: tuple[str, ...] = ()
    path: str | None = None


def asked_of_nobody(host: str | None) -> Asked:
    """The question behind a text, which names a host or none."""
    return Asked(host or PLACEHOLDER, sni=host or PLACEHOLDER)


def asked_by(seen: Observation) -> Asked:
    """What an observation tells of its own question: enough to repeat it where nobody knows the options."""
    target, route = seen.target, seen.route
    connect = _dialled(target)
    kind = "socks5h" if route.kind == "socks5" else "https" if route.tls else "http"
    proxy = f"{kind}://{route.proxy}" if route.proxy is not None else None
    sni = _name(target.sni, target.host)
    words: list[str] = []
    if proxy is not None:
        words += ["--proxy", proxy]
    if connect is not None:
        words += ["--connect", socket_text(*connect)]
    if sni != (None if is_literal(target.host) else target.host):
        words += ["--sni", sni or ""]
    return Asked(
        target.host,
        target.port,
        sni,
        connect=connect,
        proxy=proxy,
        starttls=target.starttls,
        words=tuple(words),
        path=target.path,
    )


def _dialled(target: Target) -> tuple[str, int] | None:
    """The address that was given, None where the name was resolved."""
    if target.dialled is not None:
        host, _, port = target.dialled.rpartition(":")
        if port.isdecimal() and len(port) < 6:  # a saved observation says what it likes
            return host.strip("[]"), int(port)
    return (target.ip, target.port) if target.ip is not None and target.pinned_address else None


def _name(sni: str | None, host: str) -> str | None:
    """The name that was sent; what a capture's client sent need not be one, and is no word for a shell then."""
    try:
        return normal_host(sni) if sni is not None else None
    except TargetError:
        return host


def is_literal(host: str) -> bool:
    """An IP address; names of hosts end in a letter (RFC 3696 section 2)."""
    return ":" in host or host[-1:].isdigit()
