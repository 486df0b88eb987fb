"""`tlsight logs`: which handshakes failed by a server's own log, why, for whom, since when."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from detector.cli import exit_codes
from detector.cli.groups import grouped
from detector.cli.knowledge import HistoryOptions, KnowledgeOptions
from detector.cli.options import Argument, Option
from detector.cli.output import CaptureOutput, StoryOutput, plot_file, warn
from detector.cli.waiting import Waiting
from detector.errors import ConfigError
from detector.runs.overwriting import refuse_overwriting

if TYPE_CHECKING:
    from detector.logs.event import Event

_READ = "What to read"
_TEXT = """
Read server logs: the causes of failed handshakes ranked by clients affected, who complained, since when, what
was changed before, and what the log cannot show. nginx, Apache, HAProxy, Envoy, Caddy, Traefik, stunnel,
Postfix, Dovecot, Exim, PostgreSQL, MySQL, OpenVPN, Squid, mitmproxy, Tomcat, lighttpd, Node, Schannel; plain,
.gz, .xz, .zst, syslog, journald's export.

Examples

  tlsight logs /var/log/nginx/error.log
  tlsight logs --config /etc/nginx/nginx.conf /var/log/nginx/error.log*   is anything hidden?
  journalctl -o export -u postfix --since today | tlsight logs -
  tlsight logs -f /var/log/haproxy.log
  tlsight logs --certificate /etc/ssl/site.pem --report report.html error.log
  tlsight logs --pcap trace.pcap error.log          one story out of both

Exit codes: 0 no failures but noise, 1 failures, 3 nothing was recognised.
"""


@grouped
def logs(
    compare: KnowledgeOptions,
    earlier: HistoryOptions,
    output: StoryOutput,
    files: Annotated[list[str], Argument(metavar="FILE...", help="Logs; - for stdin.")],
    format_: Annotated[
        str | None,
        Option(
            "--format",
            help="Whose log it is, when it is not recognised.",
            values="log_formats",
            panel=_READ,
        ),
    ] = None,
    follow: Annotated[
        bool,
        Option("--follow", "-f", help="Go on reading as the file grows.", panel=_READ),
    ] = False,
    timezone: Annotated[
        str | None,
        Option(
            help="Zone of times without one, e.g. Europe/Berlin; this machine's when left out.",
            panel=_READ,
        ),
    ] = None,
    config: Annotated[
        list[Path] | None,
        Option(help="Configuration in force: tells what the log hides.", panel=_READ),
    ] = None,
    certificate: Annotated[
        list[Path] | None,
        Option(help="Certificate in use: when it was replaced is a change.", panel=_READ),
    ] = None,
    pcap: Annotated[
        list[str] | None,
        Option(help="Captures of the same time, joined with the lines.", panel=_READ),
    ] = None,
) -> int:
    from detector.report.logs_text import LogPrinter
    from detector.runs.logs import LogRun

    refuse_overwriting({"--html": output.html, "--plot": output.plot}, (*files, *(config or ())))
    plot = plot_file(output.plot)
    if pcap:
        if follow or config or certificate:
            why = "reads captures: --follow, --config and --certificate are of no use"
            raise ConfigError("--pcap", why, remedy="run tlsight logs a second time for those")
        run = LogRun(form=format_, timezone=timezone, warn=warn)
        with Waiting("reading {}", shown=not output.json) as waiting, waiting.on(", ".join(files)):
            events = run.events(files)
        return _with_captures(pcap, events, compare, earlier, output)
    printer = LogPrinter(json=output.json, verbose=output.verbose, anonymize=output.anonymize)
    run = LogRun(
        form=format_, timezone=timezone, configs=tuple(config or ()),
        certificates=tuple(certificate or ()), follow=follow, warn=warn,
        on_event=printer.line if follow else lambda _: None,
    )  # fmt: skip
    quiet = output.json or follow
    with Waiting("reading {}", shown=not quiet) as waiting, waiting.on(", ".join(files)):
        story = run.story(files)
    printer.finish(story)
    if plot is not None:
        from detector.report.logs_page import UNIT, changes
        from detector.report.plotting import save_plot

        save_plot(plot, story.timeline, "Failed TLS handshakes", UNIT, changes(printer, story))
    if output.html is not None:
        from detector.report.logs_page import log_page
        from detector.report.page import write_page

        write_page(output.html, log_page(printer, story))
    if not story.seen.programs:
        return exit_codes.INCONCLUSIVE
    return exit_codes.FOUND if story.failures else exit_codes.CLEAN


def _with_captures(
    captures: list[str],
    events: list[Event],
    compare: KnowledgeOptions,
    earlier: HistoryOptions,
    output: StoryOutput,
) -> int:
    from msgspec.structs import asdict

    from detector.cli.pcap import tell_captures
    from detector.runs.captures import CaptureRun

    shown = CaptureOutput(**asdict(output))
    run = CaptureRun(files=tuple(captures), events=tuple(events), warn=warn)
    return tell_captures(run, compare, earlier, shown)


logs.__doc__ = _TEXT
