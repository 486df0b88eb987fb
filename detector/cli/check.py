"""`tlsight check`: who really answers?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli import exit_codes
from detector.cli import given as g
from detector.cli import options as o
from detector.cli.output import Printer
from detector.errors import StoreError

if TYPE_CHECKING:
    from detector.knowledge.history import History
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
    targets: g.Arguments = None,
    target_list: g.TargetList = None,
    proxy: g.Proxy = None,
    no_proxy: g.NoProxy = False,
    connect: g.Connect = None,
    sni: g.Sni = None,
    starttls: g.StartTls = None,
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
    timeout: g.Timeout = 5.0,
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

    from detector.net.probe import ProbeOptions
    from detector.session import Session

    asked = targets or target_list is not None
    given = g.Targets(targets or [], target_list, starttls, sni, () if asked else canaries())
    probe_options = ProbeOptions(
        timeout=timeout,
        routing=g.routing(proxy, no_proxy=no_proxy),
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
    session: Session, given: g.Targets, concurrency: int, printer: Printer, save: Path | None
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


def canaries() -> tuple[str, ...]:
    """The built-in targets."""
    from detector.knowledge import shipped

    return shipped.canaries()


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
