"""What was asked, so that a command can ask it again: whom, by which way, compared with what."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from urllib.parse import quote, unquote, urlsplit

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
        words: options that make a verb of tlsight ask the same way and compare with the same. A proxy's URL among
            them may name its user, never the password.
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


def asked_by(seen: Observation, words: Sequence[str] = ()) -> Asked:
    """What an observation tells of its own question: enough to repeat it where nobody knows the options.

    Args:
        seen: what was observed.
        words: options of the run that observed it; what they say already is not said again.

    """
    target, route = seen.target, seen.route
    connect = _dialled(target)
    kind = "socks5h" if route.kind == "socks5" else "https" if route.tls else "http"
    proxy = f"{kind}://{route.proxy}" if route.proxy is not None else None
    sni = _name(target.sni, target.host)
    named, user = _named_proxy(words)
    if named is not None and proxy is not None and _authority(named) == route.proxy:
        proxy = named
    elif named is not None:
        # NO_PROXY sent this one another way than the others of its run.
        words, user = _without(words, "--proxy"), None
    told: list[str] = []
    if proxy is not None and "--proxy" not in words:
        told += ["--proxy", proxy]
    if connect is not None and "--connect" not in words:
        told += ["--connect", socket_text(*connect)]
    if "--sni" not in words and sni != (None if is_literal(target.host) else target.host):
        told += ["--sni", sni or ""]
    return Asked(
        target.host,
        target.port,
        sni,
        connect=connect,
        proxy=proxy,
        proxy_user=user,
        starttls=target.starttls,
        words=(*told, *words),
        path=target.path,
    )


def shell_line(command: Sequence[str], asked: Asked) -> str:
    """A command of tlsight that asks a question again, for a POSIX shell.

    Where the proxy knows its clients, its URL goes through the environment, which others cannot see, and the
    password is to be in the variable PROXY_PASSWORD (percent-encoded, as URLs have it).
    """
    words = asked.words
    before = ""
    if asked.proxy is not None and asked.proxy_user is not None:
        scheme, _, rest = asked.proxy.partition("://")
        user = quote(asked.proxy_user, safe="")
        before = f'TLSIGHT_PROXY={scheme}://{user}:"$PROXY_PASSWORD"@{shlex.quote(rest)} '
        words = _without(words, "--proxy")
    if asked.starttls is not None and "--starttls" not in words:
        words = (*words, "--starttls", asked.starttls)  # of the URL that was asked
    target = asked.host if asked.port == 443 else socket_text(asked.host, asked.port)
    return before + shlex.join((*command, *words, target))


def some_words(words: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Those options, with their values, that another verb has too."""
    return tuple(
        word
        for place, word in enumerate(words)
        if (word if word.startswith("--") else words[place - 1]) in names
    )


def _without(words: Sequence[str], name: str) -> tuple[str, ...]:
    """The options without one that has a value."""
    return tuple(
        word
        for place, word in enumerate(words)
        if word != name and not (place and words[place - 1] == name)
    )


def _named_proxy(words: Sequence[str]) -> tuple[str | None, str | None]:
    """The URL of the proxy that options name, without its user, and the user; a PAC file is none."""
    if "--proxy" not in words:
        return None, None
    url = words[words.index("--proxy") + 1]
    if url.startswith("pac+"):
        return None, None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    bare = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{bare}", unquote(parts.username) if parts.username else None


def _authority(url: str) -> str:
    return url.partition("://")[2]


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
