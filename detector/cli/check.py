"""`tlsight check`: who really answers?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli import exit_codes
from detector.cli import options as o
from detector.cli.output import Printer
from detector.errors import ConfigError, StoreError, TargetError
from detector.targets import STARTTLS_PORTS, normal_host, parse_target, read_targets

if TYPE_CHECKING:
    from detector.knowledge.history import History
    from detector.model import Target
    from detector.net.routes import Routing
    from detector.session import Session

_WAY = "How to get there"
_EXAMPLES = """
Shake hands with each target and say who answered, with proof.

[bold]Examples[/]

  tlsight check                        a dozen sites of unrelated owners
  tlsight check example.com imap.example.com:993
  tlsight check --proxy http://proxy:3128 --compare-direct example.com
  tlsight check -l hosts.txt --json > result.ndjson
  tlsight check --starttls smtp mail.example.com
  tlsight check --ct-proof example.com
  tlsight check --pin example.com=sha256//BASE64 example.com

[bold]Exit codes[/]: 0 clean, 1 suspect or intercepted, 3 no handshake to judge, 2 usage, 4 cannot write.
"""


def check(
    targets: Annotated[
        list[str] | None,
        typer.Argument(help="host, host:port, \\[v6]:port or URL; - reads them from stdin."),
    ] = None,
    target_list: Annotated[
        Path | None, typer.Option("--list", "-l", help="File of targets, one a line.")
    ] = None,
    proxy: Annotated[
        str | None,
        typer.Option(
            help="http://HOST:PORT, socks5://, socks5h://; over HTTPS_PROXY and ALL_PROXY.",
            rich_help_panel=_WAY,
        ),
    ] = None,
    no_proxy: Annotated[
        bool,
        typer.Option(
            "--no-proxy", help="Go straight, whatever the environment says.", rich_help_panel=_WAY
        ),
    ] = False,
    connect: Annotated[
        str | None,
        typer.Option(metavar="IP:PORT", help="Dial this address instead.", rich_help_panel=_WAY),
    ] = None,
    sni: Annotated[
        str | None,
        typer.Option(help="Server name to send; empty sends none.", rich_help_panel=_WAY),
    ] = None,
    starttls: Annotated[
        str | None,
        typer.Option(help=f"Turn to TLS from: {', '.join(STARTTLS_PORTS)}.", rich_help_panel=_WAY),
    ] = None,
    compare_direct: Annotated[
        bool,
        typer.Option(
            "--compare-direct",
            help="Ask again without the proxy and compare.",
            rich_help_panel=_WAY,
        ),
    ] = False,
    staple: Annotated[
        bool,
        typer.Option(
            "--staple", help="Ask for a stapled OCSP response too (TLS 1.2).", rich_help_panel=_WAY
        ),
    ] = False,
    ct_proof: Annotated[
        bool,
        typer.Option(
            "--ct-proof",
            help="Ask a log to prove that it holds the leaf.",
            rich_help_panel=_WAY,
        ),
    ] = False,
    timeout: Annotated[
        float,
        typer.Option(
            min=0.05, help="Seconds for each step.", envvar="TLSIGHT_TIMEOUT", rich_help_panel=_WAY
        ),
    ] = 5.0,
    concurrency: Annotated[
        int,
        typer.Option(
            min=1,
            max=4096,
            help="Targets under way at once.",
            envvar="TLSIGHT_CONCURRENCY",
            rich_help_panel=_WAY,
        ),
    ] = 64,
    roots: o.Roots = None,
    ct_logs: o.CtLogs = None,
    issuers: o.Issuers = None,
    pin: o.Pins = None,
    pins: o.PinFile = None,
    policy: o.PolicyFile = None,
    no_local_roots: o.NoLocalRoots = False,
    lists: o.Lists = None,
    store: o.Store = None,
    no_store: o.NoStore = False,
    history: Annotated[
        Path | None, typer.Option(help="Database of earlier runs.", envvar="TLSIGHT_HISTORY")
    ] = None,
    no_history: Annotated[
        bool, typer.Option("--no-history", help="Neither read nor write earlier runs.")
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Save the observations, to judge again later."),
    ] = None,
    json: o.Json = False,
    verbose: o.Verbose = False,
    fail_on: o.FailOn = "suspect",
    allow_sanctioned: o.AllowSanctioned = False,
) -> int:
    import asyncio
    import os

    from detector.net.probe import ProbeOptions
    from detector.net.routes import routing_from
    from detector.session import Session

    if starttls is not None and starttls not in STARTTLS_PORTS:
        known = ", ".join(STARTTLS_PORTS)
        raise ConfigError("--starttls", f"{starttls!r} is none of {known}")
    given = _Targets(targets or [], target_list, starttls, sni)
    routing = routing_from(proxy, os.environ, no_proxy=no_proxy)
    _warn_of_secret(proxy, routing)
    probe_options = ProbeOptions(
        timeout=timeout,
        routing=routing,
        connect_to=o.address(connect) if connect else None,
    )
    kept = o.kept_store(store, no_store=no_store, to_write=ct_proof)
    knowledge = o.knowledge(
        store=kept,
        roots=roots,
        ct_logs=ct_logs,
        issuers=issuers,
        pin=pin,
        pins=pins,
        policy=policy,
        lists=lists,
        no_local_roots=no_local_roots,
    )
    earlier = None if no_history else _open_history(history)
    session = Session(
        knowledge,
        probe_options,
        history=earlier,
        compare_direct=compare_direct,
        staple=staple,
        store=kept,
        prove=o.fetch_options(proxy, timeout, roots, no_proxy=no_proxy) if ct_proof else None,
        warn=_warn,
    )
    printer = Printer(
        json=json,
        verbose=verbose,
        fail_on=fail_on,
        allow_sanctioned=allow_sanctioned,
        total=given.count,
        bar=given.count is None or given.count > 3,
    )
    try:
        asyncio.run(_run(session, given, concurrency, printer, save))
    finally:
        printer.close()
        o.close_store(kept)
        if session.history is not None:
            _close_history(session.history)
    return exit_codes.worst(printer.finish(), given.code)


async def _run(
    session: Session, given: _Targets, concurrency: int, printer: Printer, save: Path | None
) -> None:
    from contextlib import ExitStack, aclosing

    from detector.saved import encode_observation

    with ExitStack() as stack:
        file = None
        if save is not None:
            file = stack.enter_context(save.open("wb"))
        width = min(concurrency, given.count or concurrency) or 1
        async with aclosing(session.run(given, width)) as judgements:
            async for judgement in judgements:
                if file is not None:
                    file.write(encode_observation(judgement.observation) + b"\n")
                printer.show(judgement)


class _Targets:
    """Targets from arguments, a file, stdin, or the canaries; files are read lazily.

    Arguments are checked at once. A bad line of a list is told on stderr and left out; the exit
    code then is 2 unless something worse was found.
    """

    def __init__(
        self, arguments: list[str], path: Path | None, starttls: str | None, sni: str | None
    ) -> None:
        self.code = exit_codes.CLEAN
        self._starttls = starttls
        self._sni = sni
        self._path = path
        self._stdin = "-" in arguments
        self._first = [self._parse(a) for a in arguments if a != "-"]
        if not arguments and path is None:
            self._first = [self._parse(host) for host in canaries()]
        if path is not None and not path.is_file():
            raise ConfigError(str(path), "no such file of targets")

    @property
    def count(self) -> int | None:
        """How many, None while a list is still to be read."""
        return None if self._stdin or self._path is not None else len(self._first)

    def __iter__(self) -> Iterator[Target]:
        yield from self._first
        if self._path is not None:
            with self._path.open(encoding="utf-8", errors="replace") as file:
                yield from self._lenient(read_targets(file))
        if self._stdin:
            yield from self._lenient(read_targets(sys.stdin))

    def _lenient(self, texts: Iterator[str]) -> Iterator[Target]:
        for text in texts:
            try:
                yield self._parse(text)
            except TargetError as error:
                self.code = exit_codes.USAGE
                _warn(str(error))

    def _parse(self, text: str) -> Target:
        from dataclasses import replace

        target = parse_target(text, starttls=self._starttls)
        if self._sni is None:
            return target
        return replace(target, sni=normal_host(self._sni) if self._sni else None)


def canaries() -> list[str]:
    """The built-in targets."""
    from detector.knowledge.rows import read_toml
    from detector.knowledge.shipped import DATA

    data, _ = read_toml(DATA / "canaries.toml")
    return [row["host"] for row in data["canary"]]


def _warn_of_secret(proxy: str | None, routing: Routing) -> None:
    if proxy and routing.proxy is not None and routing.proxy.password:
        _warn("a password on the command line is visible to others; put the URL into HTTPS_PROXY")


def _open_history(path: Path | None) -> History | None:
    import os

    from detector import clock
    from detector.knowledge.history import History, default_path

    try:
        return History(path or default_path(os.environ), clock.now)
    except StoreError as error:
        _warn(str(error))
        return None


def _close_history(history: History) -> None:
    try:
        history.close()
    except StoreError as error:
        _warn(str(error))


def _warn(text: str) -> None:
    print(f"tlsight: {text}", file=sys.stderr)


check.__doc__ = _EXAMPLES
