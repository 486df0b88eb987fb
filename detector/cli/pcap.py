"""`tlsight pcap`: what a capture tells of TLS: who failed, why, who cut it, who stands in between."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli import exit_codes
from detector.cli import options as o
from detector.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detector.capture.connection import Connection
    from detector.capture.keylog import KeyLog
    from detector.runs.captures import Capture
from detector.capture.tally import Tally

_READ = "What to read"
_SHOW = "Output"
_TEXT = """
Read captures: every TLS connection on any port, why it failed and who ended it, and whether somebody stands
in between. pcap and pcapng, also as .gz, .xz or .zst; TCP, QUIC and DTLS.

[bold]Examples[/]

  tlsight pcap trace.pcapng
  tlsight pcap --keylog keys.txt --html report.html trace.pcap
  tcpdump -w - port 443 | tlsight pcap -
  tlsight pcap --interface eth0 --filter "port 443" --json
  tlsight pcap --logs /var/log/nginx/error.log trace.pcap     one story out of both
  tlsight pcap --ua "Mozilla/5.0 ... Firefox/128.0" front.pcap  is the hello this browser's?

[bold]Exit codes[/]: 0 nothing failed, 1 connections failed or were intercepted, 3 no TLS in it.
"""


def pcap(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE...", help="Captures; - for stdin.")
    ] = None,
    interface: Annotated[
        str | None,
        typer.Option(help="Capture live, through dumpcap or tcpdump.", rich_help_panel=_READ),
    ] = None,
    filter_: Annotated[
        str,
        typer.Option(
            "--filter",
            metavar="EXPR",
            help="What to capture live, in pcap's language.",
            rich_help_panel=_READ,
        ),
    ] = "",
    keylog: Annotated[
        list[Path] | None,
        typer.Option(help="Key log (SSLKEYLOGFILE): opens TLS 1.3.", rich_help_panel=_READ),
    ] = None,
    port: Annotated[
        list[int] | None,
        typer.Option(
            help="Also a TLS port: tell connections to it that were never taken.",
            rich_help_panel=_READ,
        ),
    ] = None,
    ua: Annotated[
        str | None,
        typer.Option(
            metavar="USER-AGENT", help="What the clients say they are.", rich_help_panel=_READ
        ),
    ] = None,
    access_log: Annotated[
        list[str] | None,
        typer.Option(
            help="Access log with User-Agents, joined by client address and port.",
            rich_help_panel=_READ,
        ),
    ] = None,
    logs: Annotated[
        list[str] | None,
        typer.Option(
            help="Server logs of the same time, joined with the connections.", rich_help_panel=_READ
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=64, help="Connections under way at once.", rich_help_panel=_READ)
    ] = 16384,
    jobs: Annotated[
        int, typer.Option(min=0, help="Processes; 0 for one a core.", rich_help_panel=_READ)
    ] = 0,
    connections: Annotated[
        bool, typer.Option("--connections", help="List every connection.", rich_help_panel=_SHOW)
    ] = False,
    summary: Annotated[
        bool,
        typer.Option("--summary", help="By server, name, JA4 and cause.", rich_help_panel=_SHOW),
    ] = False,
    plot: o.Plot = None,
    html: Annotated[
        Path | None, typer.Option(help="One self-contained page.", rich_help_panel=_SHOW)
    ] = None,
    anonymize: o.Anonymize = False,
    json: o.Json = False,
    verbose: o.Verbose = False,
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
) -> int:
    from detector.capture.tally import Tally
    from detector.cli.logs import events_of
    from detector.forensics.judged import BATCH, Teller
    from detector.knowledge.browser_hellos import browser_hellos
    from detector.knowledge.fixes import config_lines
    from detector.report.pcap_text import CapturePrinter
    from detector.runs.captures import Capture

    if bool(files) == bool(interface):
        raise ConfigError("pcap", "give files, or --interface", remedy="see tlsight pcap --help")
    plot = o.plot_file(plot)
    kept = o.kept_store(store, no_store=no_store)
    known = o.knowledge(
        store=kept, roots=roots, ct_logs=ct_logs, issuers=issuers, pin=pin, pins=pins,
        policy=policy, lists=lists, no_local_roots=no_local_roots,
    )  # fmt: skip
    at_once = interface is not None or files == ["-"]
    teller = Teller(
        known,
        browser_hellos(),
        agents=_agents(access_log or []),
        default_agent=ua,
        batch=1 if at_once else BATCH,
    )
    capture = Capture(_keys(keylog or []), limit=limit, jobs=jobs)
    tally = Tally()
    events = events_of(logs or [])
    printer = CapturePrinter(
        json=json, connections=connections or at_once, summary=summary, verbose=verbose,
        anonymize=anonymize, known=known, lines=config_lines(), events=events,
    )  # fmt: skip
    source = (
        _live(capture, interface, filter_, tally)
        if interface
        else _files(capture, files or [], tally)
    )
    try:
        for told in teller.tell(_told_ports(source, frozenset(port or ()))):
            printer.show(told)
    except KeyboardInterrupt:
        if interface is None:
            raise
    printer.finish(teller, tally)
    o.close_store(kept)
    if plot is not None:
        from detector.report.plotting import save_plot

        save_plot(plot, printer.timeline, "Failed TLS connections")
    if html is not None:
        from detector.knowledge.whole_file import write_whole
        from detector.report.pcap_page import capture_page

        write_whole(html, capture_page(printer, teller, tally).encode())
    return _exit_code(printer.told, printer.failed)


def _exit_code(told: int, failed: int) -> int:
    if not told:
        return exit_codes.INCONCLUSIVE
    return exit_codes.FOUND if failed else exit_codes.CLEAN


def _files(capture: Capture, files: list[str], tally: Tally) -> Iterator[Connection]:
    for path in files:
        yield from capture.connections(path, tally)


def _live(capture: Capture, interface: str, expression: str, tally: Tally) -> Iterator[Connection]:
    from detector.runs.captures import live

    with live(interface, expression) as stream:
        yield from capture.of(stream.read, interface, tally)


def _told_ports(source: Iterator[Connection], ports: frozenset[int]) -> Iterator[Connection]:
    """Connections that never came about are told where TLS is spoken: on its known ports, on those that were
    named, and on servers that spoke it before.
    """
    from detector.forensics.servers import TLS_PORTS

    spoke: set[tuple[str, int]] = set()
    for c in source:
        where = c.server, c.server_port
        if c.hello is not None or c.preamble is not None:
            if len(spoke) < 1 << 16:
                spoke.add(where)
        elif c.server_port not in TLS_PORTS and c.server_port not in ports and where not in spoke:
            continue
        yield c


def _agents(paths: list[str]) -> dict[tuple[str, int], str]:
    from detector.logs.access import agents
    from detector.runs.captures import opened

    found: dict[tuple[str, int], str] = {}
    for path in paths:
        with opened(path) as file:
            found.update(agents(file))
    return found


def _keys(paths: list[Path]) -> KeyLog:
    from detector.capture.keylog import KeyLog

    found = KeyLog()
    for path in paths:
        try:
            with path.open("rb") as file:
                found.add(file)
        except OSError as error:
            raise ConfigError(str(path), error.strerror or str(error)) from None
        if not len(found):
            raise ConfigError(str(path), "no secret of TLS 1.3 in it",
                              remedy="record it with SSLKEYLOGFILE")  # fmt: skip
    return found


pcap.__doc__ = _TEXT
