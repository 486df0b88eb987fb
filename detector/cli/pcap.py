"""`tlsight pcap`: what a capture tells of TLS: who failed, why, who cut it, who stands in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from detector.cli import exit_codes
from detector.cli.capture_filters import CaptureFilters
from detector.cli.groups import grouped
from detector.cli.knowledge import HistoryOptions, KnowledgeOptions
from detector.cli.options import Argument, Option
from detector.cli.output import CaptureOutput, plot_file, warn
from detector.cli.pcap_exports import ExportOptions
from detector.cli.waiting import Waiting
from detector.errors import ConfigError
from detector.runs.overwriting import refuse_overwriting

if TYPE_CHECKING:
    from detector.forensics.selection import Selection
    from detector.logs.event import Event
    from detector.runs.captures import CaptureRun

_READ = "What to read"
_TEXT = """
Read captures: every TLS connection on any port, why it failed and who ended it, and whether somebody stands
in between. pcap and pcapng, also as .gz, .xz or .zst; TCP, QUIC and DTLS.

Examples

  tlsight pcap trace.pcapng
  tlsight pcap --keylog keys.txt --html report.html trace.pcap
  tcpdump -w - port 443 | tlsight pcap -
  tlsight pcap --interface eth0 --filter "port 443" --json
  tlsight pcap --failed --host www.example.org --since -5m trace.pcap
  tlsight pcap --server 192.0.2.5:443 trace.pcap    its whole diagnosis
  tlsight pcap --connection 4711 trace.pcap         every message, and Wireshark's filter for it
  tlsight pcap --logs /var/log/nginx/error.log trace.pcap     one story out of both
  tlsight pcap --ua "Mozilla/5.0 ... Firefox/128.0" front.pcap  is the hello this browser's?
  tlsight pcap --write cut.pcapng --zeek logs trace.pcap      their packets, and logs for a SIEM

Exit codes: 0 nothing failed, 1 connections failed or were intercepted, or a server is broken for clients of
today, 3 no TLS in it, or nothing that was asked for; all by what the filters leave. Of several files one that cannot
be read, or not to its end, is told on stderr and costs only itself: then 2 where nothing failed in the others. A
single one is an error, 2.
"""


@grouped
def pcap(
    compare: KnowledgeOptions,
    earlier: HistoryOptions,
    which: CaptureFilters,
    output: CaptureOutput,
    export: ExportOptions,
    files: Annotated[
        list[str] | None, Argument(metavar="FILE...", help="Captures; - for stdin.")
    ] = None,
    interface: Annotated[
        str | None,
        Option(help="Capture live, through dumpcap or tcpdump.", panel=_READ),
    ] = None,
    filter_: Annotated[
        str,
        Option(
            "--filter",
            metavar="EXPR",
            help="What to capture live, in pcap's language.",
            panel=_READ,
        ),
    ] = "",
    keylog: Annotated[
        list[Path] | None,
        Option(help="Key log (SSLKEYLOGFILE): opens TLS 1.3.", panel=_READ),
    ] = None,
    port: Annotated[
        list[int] | None,
        Option(
            min=1,
            max=65535,
            help="Also a TLS port: tell connections to it that were never taken.",
            panel=_READ,
        ),
    ] = None,
    ua: Annotated[
        str | None,
        Option(metavar="USER-AGENT", help="What the clients say they are.", panel=_READ),
    ] = None,
    access_log: Annotated[
        list[str] | None,
        Option(
            help="Access log with User-Agents, joined by client address and port.",
            panel=_READ,
        ),
    ] = None,
    logs: Annotated[
        list[str] | None,
        Option(help="Server logs of the same time, joined with the connections.", panel=_READ),
    ] = None,
    limit: Annotated[
        int, Option(min=64, help="Connections under way at once.", panel=_READ)
    ] = 16384,
    jobs: Annotated[  # noqa: ARG001
        int, Option(min=0, hidden=True, help="Without effect: one process is the fastest.")
    ] = 0,
) -> int:
    from detector.runs.captures import CaptureRun

    if bool(files) == bool(interface):
        raise ConfigError("pcap", "give files, or --interface", remedy="see tlsight pcap --help")
    with _read_twice(files or (), which) as paths:
        run = CaptureRun(
            files=paths, interface=interface, expression=filter_,
            keylogs=tuple(keylog or ()), ports=tuple(port or ()), agent=ua,
            access_logs=tuple(access_log or ()),
            events=_events(logs) if logs else (), limit=limit,
            summary=output.summary, selection=_selection(which, paths), warn=warn,
        )  # fmt: skip
        return tell_captures(
            run, compare, earlier, output, export, ladders=bool(which.server), reads=logs or ()
        )


@contextmanager
def _read_twice(files: Sequence[str], which: CaptureFilters) -> Iterator[tuple[str, ...]]:
    """The files, for a connection that is followed such as can be read twice."""
    if which.connection is None:
        yield tuple(files)
        return
    from detector.runs.following import twice

    if len(files) != 1:
        why = "a connection is called by its first packet's place in one file"
        raise ConfigError("--connection", why, remedy="give that file alone")
    with twice(files) as paths:
        yield paths


def _selection(which: CaptureFilters, files: Sequence[str]) -> Selection:
    from detector.knowledge.causes import cause_table
    from detector.runs.capture_span import span

    def spanned() -> tuple[float, float]:
        if not files or "-" in files:
            why = "such a time is counted from packets, which only a file has twice"
            raise ConfigError("--since, --until", why, remedy="give a whole date, or a file")
        return span(files)

    return which.selection(cause_table(), spanned)


def _events(logs: list[str]) -> tuple[Event, ...]:
    """Failures of server logs; reading them takes modules that a capture alone does not need."""
    from detector.runs.logs import LogRun

    return tuple(LogRun(warn=warn).events(logs))


def tell_captures(
    run: CaptureRun,
    compare: KnowledgeOptions,
    earlier: HistoryOptions,
    output: CaptureOutput,
    export: ExportOptions = ExportOptions(),  # noqa: B008 (frozen)
    *,
    ladders: bool = False,
    reads: Sequence[str] = (),
) -> int:
    """Read, print, write what was asked for; the exit code.

    Args:
        run, compare, earlier, output, export: as the command has them.
        ladders: show whole diagnoses.
        reads: further files that are read, which nothing may be written to.

    """
    from detector.report.pcap_text import CapturePrinter

    refuse_overwriting(
        {
            "--write": export.write, "--csv": export.csv, "--html": output.html,
            "--plot": output.plot,
        },
        (*run.files, *run.keylogs, *run.access_logs, *reads),
    )  # fmt: skip
    plot = plot_file(output.plot)
    printer = CapturePrinter(
        json=output.json, connections=output.connections or run.at_once, summary=output.summary,
        verbose=output.verbose, anonymize=output.anonymize,
        ladders=ladders,
    )  # fmt: skip
    exports = export.exports(
        run.files, live=run.interface is not None, anonymize=output.anonymize, json=output.json
    )
    with compare.opened() as opened, earlier.opened(read_only=True) as memory, exports:
        reading = run.begin(opened.knowledge, memory)
        what = run.interface or ", ".join(map(str, run.files))
        waiting = Waiting("reading {}", shown=not (output.json or exports.on_stdout))
        try:
            with waiting, waiting.on(what):
                for count, (one, joined) in enumerate(reading.with_log(), 1):
                    waiting.note(f"{count:,} connections")
                    exports.note(one)
                    if exports.on_stdout:
                        continue
                    if run.selection.number is None:
                        printer.show(one, joined)
                    else:
                        printer.follow(one, reading.followed(one))
        except KeyboardInterrupt:
            if run.interface is None:
                raise
        story = reading.so_far
        if run.selection.number is not None and not story.connections:
            raise _no_such_connection(run.selection)
        for line in exports.finish(run.files):
            warn(line)
        if not exports.on_stdout:
            printer.finish(story)
        if plot is not None:
            from detector.report.pcap_page import TITLE, UNIT
            from detector.report.plotting import save_plot

            save_plot(plot, story.timeline, TITLE, UNIT)
        if output.html is not None:
            from detector.report.page import write_page
            from detector.report.pcap_page import capture_page

            write_page(output.html, capture_page(printer, story))
    code = exit_codes.CLEAN if story.connections else exit_codes.INCONCLUSIVE
    if story.failed or story.intercepted or story.broken:
        code = exit_codes.FOUND
    return exit_codes.worst(code, exit_codes.USAGE if reading.unread else exit_codes.CLEAN)


def _no_such_connection(asked: Selection) -> ConfigError:
    from detector.forensics.selection import Selection

    if asked == Selection(number=asked.number):
        why = f"no connection with TLS begins with packet {asked.number}"
        return ConfigError("--connection", why, remedy="tlsight pcap --connections lists them")
    return ConfigError("--connection", f"{asked.number} is none of those that were asked for")


pcap.__doc__ = _TEXT
