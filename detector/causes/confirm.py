"""The command that confirms a cause, for the very question that was asked. Pure.

Theory of operation
-------------------
A row of data/causes.toml has a command with what is peculiar to the cause alone: `openssl s_client -tls1_1`. What
leads to the server is added here, once for each program: name and port, SNI, another address, a proxy,
STARTTLS, roots, a client's certificate. Commands may be joined by `|`, `;`, `&&` and `||`, and preceded
by `!` and `timeout N`; every word is quoted. In a curl URL and everywhere else HOST and PORT stand for the server's.

No program can go every way: openssl knows no SOCKS and no https:// proxies, curl cannot leave SNI out. There tlsight itself asks again, with
all the options that it had, and shows the cause's id.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence

import msgspec

from detector.model.asked import PLACEHOLDER, Asked, is_literal, shell_line
from detector.model.causes import CauseInfo
from detector.model.targets import socket_text

_JOINTS = frozenset(("|", ";", "&&", "||"))
_PORT = re.compile(r"(?<![A-Z])PORT\b")  # EXPORT is a cipher's word
# What openssl and gnutls call the protocols; what they do not know is left out.
_OPENSSL = {
    name: name for name in ("smtp", "imap", "pop3", "ftp", "xmpp", "ldap", "postgres", "mysql")
}
_GNUTLS = {name: name for name in ("smtp", "imap", "pop3", "ftp", "xmpp", "ldap", "postgres")}


class Confirmation(msgspec.Struct, frozen=True):
    """A command, and what it says where the cause holds.

    Attributes:
        command: for a POSIX shell.
        texts: one of these is in what it says.
        look: somebody has to look at what it says; otherwise, where there are no texts, it fails.

    """

    command: str
    texts: tuple[str, ...] = ()
    look: bool = False

    @property
    def shows(self) -> str:
        """What to see, as a sentence without its end."""
        if self.look:
            return ""
        return f"says {' or '.join(map(repr, self.texts))}" if self.texts else "fails"


class _CannotError(Exception):
    """A program cannot go that way."""


def confirmation(info: CauseInfo, asked: Asked) -> Confirmation:
    """How to be sure of a cause."""
    try:
        return Confirmation(_dressed(info.confirm, asked), info.shows, info.look)
    except _CannotError:
        return Confirmation(_dressed("tlsight diagnose", asked), (info.id,))


def asks_again(command: Sequence[str], asked: Asked) -> str:
    """A command of tlsight with all that the question had, a client's certificate where the verb shows one."""
    shown: tuple[str, ...] = ()
    if asked.credential is not None and "check" not in command:
        shown = ("--client-cert", asked.credential[0], "--client-key", asked.credential[1])
    return shell_line((*command, *shown), asked)


def _dressed(command: str, asked: Asked) -> str:
    """Every program of a command with what leads to the server."""
    parts: list[str] = []
    words: list[str] = []
    for word in (*shlex.split(command), ";"):
        if word not in _JOINTS:
            words.append(word)
            continue
        parts += [_program(words, asked), word]
        words = []
    return " ".join(parts[:-1]).replace(" ;", ";")


def _program(words: list[str], asked: Asked) -> str:
    """One program's words, the way added to them."""
    before: list[str] = []
    while words[0] in ("!", "timeout"):
        count = 2 if words[0] == "timeout" else 1
        before += words[:count]
        words = words[count:]
    own = frozenset(word for word in words if "$(" in word)  # a row's, never one of the question's
    words = [_named(word, asked) for word in words]
    if words[0] == "tlsight":
        return " ".join((*before, asks_again(words, asked)))
    for program, dress in _PROGRAMS:
        if tuple(words[: len(program)]) == program:
            words = [*program, *dress(words[len(program) :], asked)]
            break
    # These two wait for what is typed, once the handshake is done.
    waits = words[0] == "gnutls-cli" or words[:2] == ["openssl", "s_client"]
    quoted = (f'"{word}"' if word in own else shlex.quote(word) for word in words)
    return " ".join((*before, *quoted, *(("</dev/null",) if waits else ())))


def _named(word: str, asked: Asked) -> str:
    """The placeholders filled in."""
    if "://" in word:
        authority = socket_text(asked.sni or asked.host, asked.port)
        if word.startswith("https://") and asked.port == 443:
            authority = authority.removesuffix(":443")
        url = word.replace("HOST:PORT", socket_text(asked.sni or asked.host, asked.port)).replace(
            PLACEHOLDER, authority
        )
        asks_root = word == "https://HOST/" and asked.path is not None
        return url.removesuffix("/") + str(asked.path) if asks_root else url
    return _PORT.sub(str(asked.port), word.replace(PLACEHOLDER, asked.host))


def _openssl(rest: list[str], asked: Asked) -> list[str]:
    where = asked.connect or (asked.host, asked.port)
    words = ["-connect", socket_text(*where)]
    if "-noservername" not in rest:
        words += ["-servername", asked.sni] if asked.sni is not None else ["-noservername"]
    if asked.proxy is not None:
        scheme, _, proxy = asked.proxy.partition("://")
        if scheme != "http":
            raise _CannotError
        words += ["-proxy", proxy]
        if asked.proxy_user is not None:
            words += ["-proxy_user", asked.proxy_user, "-proxy_pass", "env:PROXY_PASSWORD"]
    if asked.starttls is not None:
        words += ["-starttls", _known(asked.starttls, _OPENSSL)]
        if asked.starttls == "xmpp":
            words += ["-xmpphost", asked.host]
    if asked.roots is not None:
        words += ["-CAfile", asked.roots]
    if asked.credential is not None:
        words += ["-cert", asked.credential[0], "-key", asked.credential[1]]
    if "-verify_hostname" in rest and is_literal(asked.host):
        rest = ["-verify_ip" if word == "-verify_hostname" else word for word in rest]
    return [*words, *rest]


def _gnutls(rest: list[str], asked: Asked) -> list[str]:
    if asked.proxy is not None or asked.sni is None:
        raise _CannotError
    where, port = asked.connect or (asked.host, asked.port)
    words = ["--port", str(port)]
    if asked.connect is not None or asked.sni != asked.host:
        words += ["--sni-hostname", asked.sni, "--verify-hostname", asked.host]
    if asked.starttls is not None:
        words += ["--starttls-proto", _known(asked.starttls, _GNUTLS)]
    if asked.roots is not None:
        words += ["--x509cafile", asked.roots]
    if asked.credential is not None:
        words += ["--x509certfile", asked.credential[0], "--x509keyfile", asked.credential[1]]
    return [*words, *rest, where]


def _curl(rest: list[str], asked: Asked) -> list[str]:
    url = rest[-1]
    tls = url.startswith("https://")
    if tls and (asked.starttls is not None or (asked.sni is None and not is_literal(asked.host))):
        raise _CannotError
    words: list[str] = []
    if tls and asked.roots is not None:
        words += ["--cacert", asked.roots]
    if tls and asked.credential is not None:
        words += ["--cert", asked.credential[0], "--key", asked.credential[1]]
    there = asked.connect or (
        (asked.host, asked.port) if asked.sni not in (None, asked.host) else None
    )
    if there is not None:
        words += ["--connect-to", f"::{socket_text(*there)}"]
    if asked.proxy is not None:
        # telnet:// and http:// go through a tunnel as the handshake did.
        words += ["-x", asked.proxy, *([] if tls else ["--proxytunnel"])]
        if asked.proxy.startswith("https:") and asked.roots is not None:
            words += ["--proxy-cacert", asked.roots]
        if asked.proxy_user is not None:
            words += ["--proxy-user", asked.proxy_user]  # curl asks for the password
    elif "--no-proxy" in asked.words:
        words += ["--noproxy", "*"]
    return [*words, *rest]


def _getent(rest: list[str], asked: Asked) -> list[str]:
    """A proxy resolves the name itself; then the name that is resolved here is the proxy's."""
    if asked.proxy is None or asked.proxy.startswith("socks5:"):
        return rest
    name = asked.proxy.partition("://")[2].rpartition(":")[0].strip("[]")
    return [*rest[:-1], name]


def _known(protocol: str, names: dict[str, str]) -> str:
    if protocol not in names:
        raise _CannotError
    return names[protocol]


_PROGRAMS: tuple[tuple[tuple[str, ...], Callable[[list[str], Asked], list[str]]], ...] = (
    (("openssl", "s_client"), _openssl),
    (("gnutls-cli",), _gnutls),
    (("curl",), _curl),
    (("getent",), _getent),
)
