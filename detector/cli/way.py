"""The way to a target, as options of every verb that dials, and the targets themselves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import msgspec

from detector.cli import exit_codes
from detector.cli.ending import say
from detector.cli.groups import words_of
from detector.cli.numbers import finite
from detector.cli.options import Argument, Option
from detector.errors import ConfigError, TargetError
from detector.model.targets import STARTTLS_PORTS, normal_host, parse_target, read_targets

if TYPE_CHECKING:
    from detector.model.observation import Target
    from detector.net.fetch import FetchOptions
    from detector.net.probe import ProbeOptions
    from detector.net.routes import Chooser, Routing

_WAY = "How to get there"
_LONGEST_LINE = 1 << 16

Arguments = Annotated[
    list[str] | None,
    Argument(help="host, host:port, [v6]:port or URL; - reads them from stdin.", values="hosts"),
]
TargetList = Annotated[
    Path | None, Option("--list", "-l", help="File or pipe of targets, one a line.")
]


def proxy_option(panel: str) -> Option:
    """--proxy, in a panel of the help."""
    text = (
        "http://HOST:PORT, https://, socks5://, socks5h://, or a PAC file: pac+file:///PATH, pac+https://;"
        " over HTTPS_PROXY, ALL_PROXY and AUTO_PROXY."
    )
    found: Option = Option(help=text, panel=panel)
    return found


def no_proxy_option(panel: str) -> Option:
    """--no-proxy, in a panel of the help."""
    text = "Go straight, whatever the environment says."
    found: Option = Option("--no-proxy", help=text, panel=panel)
    return found


Proxy = Annotated[str | None, proxy_option(_WAY)]
NoProxy = Annotated[bool, no_proxy_option(_WAY)]
Connect = Annotated[
    str | None,
    Option(metavar="IP:PORT", help="Dial this address instead.", panel=_WAY),
]
NoCanaries = Annotated[
    bool,
    Option(
        "--no-canaries",
        help="Where a private CA answers for a public name, ask no well-known sites by the same way.",
        panel=_WAY,
    ),
]
Timeout = Annotated[
    float,
    Option(
        min=0.05,
        callback=finite,
        help="Seconds for each step.",
        envvar="TLSIGHT_TIMEOUT",
        panel=_WAY,
    ),
]


class WayOptions(msgspec.Struct, frozen=True):
    """How to get there."""

    proxy: Proxy = None
    no_proxy: NoProxy = False
    connect: Connect = None
    sni: Annotated[
        str | None,
        Option(help="Server name to send; empty sends none.", panel=_WAY),
    ] = None
    starttls: Annotated[
        str | None,
        Option(
            help=f"Turn to TLS from: {', '.join(STARTTLS_PORTS)}.", values="starttls", panel=_WAY
        ),
    ] = None
    timeout: Timeout = 5.0

    def routing(self, trust: Path | None = None) -> Routing:
        """The way that the options and the environment name. Raises ConfigError."""
        return routing(self.proxy, no_proxy=self.no_proxy, trust=trust)

    def probe_options(self, trust: Path | None = None, **more: Any) -> ProbeOptions:
        """How to dial; `trust` has roots for an https:// proxy's certificate. Raises ConfigError."""
        return probe_options(self.routing(trust), self.connect, self.timeout, **more)

    def fetch_options(self, trust: Path | None, **more: Any) -> FetchOptions:
        """How to ask for what is known, by the same way. Raises ConfigError."""
        return fetch_options(self.routing(trust), self.timeout, trust, **more)

    def targets(
        self, arguments: list[str] | None, path: Path | None, otherwise: tuple[str, ...] = ()
    ) -> Targets:
        """The targets, asked for as the options say. Raises ConfigError, TargetError."""
        return Targets(arguments or [], path, self.starttls, self.sni, otherwise)

    def words(self, routing: Routing) -> tuple[str, ...]:
        """The options that lead to the same answer, for a command to repeat. A proxy's password stays out.

        A proxy that `routing` has from elsewhere is named where it knows its clients: nothing else tells by whom.
        """
        proxy = routing.proxy
        if proxy is None:
            return words_of(self, ("proxy",) if self.proxy and "@" in self.proxy else ())
        if self.proxy is None and proxy.user is None and proxy.password is None:
            return words_of(self)
        return ("--proxy", proxy.url_with_user, *words_of(self, ("proxy",)))


_TYPED = "--proxy"


def routing(
    proxy: str | None, *, no_proxy: bool, trust: Path | None = None, named_by: str = _TYPED
) -> Routing:
    """The way that an option and the environment name. Raises ConfigError, and FetchError for a PAC file.

    `trust` has roots for an https:// proxy's certificate, beside the system's; `named_by` is a setting where no
    option gives the proxy.
    """
    import os

    from detector.net.routes import routing_from

    found = routing_from(
        proxy,
        os.environ,
        no_proxy=no_proxy,
        trust=trust,
        open_pac=partial(_open_pac, trust=trust),
        named_by=named_by,
    )
    if proxy and named_by == _TYPED and found.proxy is not None and found.proxy.password:
        text = "a password on the command line is visible to others; put the URL into HTTPS_PROXY"
        say(text)
    return found


@cache
def _open_pac(url: str, where: str, trust: Path | None) -> Chooser:
    """One for the whole run, whoever asks."""
    from detector.net.pac import open_pac

    return open_pac(url, where, trust)


def probe_options(
    routing: Routing, connect: str | None, timeout: float, **more: Any
) -> ProbeOptions:
    """How to dial. Raises ConfigError."""
    from detector.net.probe import ProbeOptions

    where = address(connect) if connect else None
    return ProbeOptions(timeout=timeout, routing=routing, connect_to=where, **more)


def fetch_options(
    routing: Routing, timeout: float, trust: Path | None, **more: Any
) -> FetchOptions:
    """How to ask for what is known."""
    from detector.net.fetch import FetchOptions

    return FetchOptions(timeout=timeout, routing=routing, trust=trust, **more)


def address(text: str) -> tuple[str, int]:
    """The IP:PORT of --connect. Raises ConfigError."""
    target = parse_target(text)
    if target.sni is not None:
        raise ConfigError("--connect", f"{text!r} is no IP:PORT")
    return target.host, target.port


def bounded_lines(file: TextIO, name: str) -> Iterator[str]:
    """Lines as they come. Raises ConfigError for one that no such file has."""
    while line := file.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise ConfigError(name, "a line is too long")
        yield line


class Targets:
    """Targets from arguments, a file, stdin, or the canaries; files are read lazily.

    Arguments are checked at once. A bad line of a list is told on stderr and left out; the exit
    code then is 2 unless something worse was found. A list with nothing in it raises ConfigError where it ends:
    a run that asked nobody shall not look like one that found nothing.
    """

    def __init__(
        self,
        arguments: list[str],
        path: Path | None,
        starttls: str | None,
        sni: str | None,
        otherwise: tuple[str, ...] = (),
    ) -> None:
        if starttls is not None and starttls not in STARTTLS_PORTS:
            known = ", ".join(STARTTLS_PORTS)
            raise ConfigError("--starttls", f"{starttls!r} is none of {known}")
        self.code = exit_codes.CLEAN
        self._starttls = starttls
        self._sni = sni
        self._path = path
        self._stdin = "-" in arguments
        self._first = [self._parse(a) for a in arguments if a != "-"]
        if not arguments and path is None:
            self._first = [self._parse(host) for host in otherwise]
        if path is not None and (not path.exists() or path.is_dir()):
            raise ConfigError(str(path), "no such file of targets")

    @property
    def count(self) -> int | None:
        """How many, None while a list is still to be read."""
        return None if self._stdin or self._path is not None else len(self._first)

    def __iter__(self) -> Iterator[Target]:
        some = bool(self._first)
        yield from self._first
        for target in self._listed():
            some = True
            yield target
        if not some and self.code == exit_codes.CLEAN:
            where = "stdin" if self._path is None else str(self._path)
            raise ConfigError(where, "holds no target", remedy="write one a line")

    def _listed(self) -> Iterator[Target]:
        if self._path is not None:
            with self._path.open(encoding="utf-8", errors="replace") as file:
                yield from self._lenient(read_targets(bounded_lines(file, str(self._path))))
        if self._stdin:
            yield from self._lenient(read_targets(bounded_lines(sys.stdin, "stdin")))

    def _lenient(self, texts: Iterator[str]) -> Iterator[Target]:
        for text in texts:
            try:
                yield self._parse(text)
            except TargetError as error:
                self.code = exit_codes.USAGE
                say(str(error))

    def _parse(self, text: str) -> Target:
        from dataclasses import replace

        target = parse_target(text, starttls=self._starttls)
        if self._sni is None:
            return target
        return replace(target, sni=normal_host(self._sni) if self._sni else None)
