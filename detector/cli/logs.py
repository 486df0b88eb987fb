"""`tlsight logs`: which handshakes failed by a server's own log, why, for whom, since when."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli import exit_codes
from detector.cli import options as o
from detector.errors import ConfigError, UnknownLogError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import tzinfo

    from detector.logs.event import Event
    from detector.logs.reading import LogReader, Seen
    from detector.logs.reasons import Reasons
    from detector.logs.stamp import Stamps

_READ = "What to read"
_SHOW = "Output"
_TEXT = """
Read server logs: the causes of failed handshakes ranked by clients affected, who complained, since when, what
was changed before, and what the log cannot show. nginx, Apache, HAProxy, Envoy, Caddy, Traefik, stunnel,
Postfix, Dovecot, Exim, PostgreSQL, MySQL, OpenVPN, Squid, mitmproxy, Tomcat, lighttpd, Node, Schannel; plain,
.gz, .xz, .zst, syslog, journald's export.

[bold]Examples[/]

  tlsight logs /var/log/nginx/error.log
  tlsight logs --config /etc/nginx/nginx.conf /var/log/nginx/error.log*   is anything hidden?
  journalctl -o export -u postfix --since today | tlsight logs -
  tlsight logs -f /var/log/haproxy.log
  tlsight logs --certificate /etc/ssl/site.pem --report report.html error.log
  tlsight logs --pcap trace.pcap error.log          one story out of both

[bold]Exit codes[/]: 0 no failures but noise, 1 failures, 3 nothing was recognised.
"""


def logs(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Logs; - for stdin.")],
    format_: Annotated[
        str | None,
        typer.Option(
            "--format", help="Whose log it is, when it is not recognised.", rich_help_panel=_READ
        ),
    ] = None,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow", "-f", help="Go on reading as the file grows.", rich_help_panel=_READ
        ),
    ] = False,
    timezone: Annotated[
        str | None,
        typer.Option(
            help="Zone of times without one, e.g. Europe/Berlin; this machine's when left out.",
            rich_help_panel=_READ,
        ),
    ] = None,
    config: Annotated[
        list[Path] | None,
        typer.Option(
            help="Configuration in force: tells what the log hides.", rich_help_panel=_READ
        ),
    ] = None,
    certificate: Annotated[
        list[Path] | None,
        typer.Option(
            help="Certificate in use: when it was replaced is a change.", rich_help_panel=_READ
        ),
    ] = None,
    pcap: Annotated[
        list[str] | None,
        typer.Option(
            help="Captures of the same time, joined with the lines.", rich_help_panel=_READ
        ),
    ] = None,
    plot: o.Plot = None,
    report: Annotated[
        Path | None, typer.Option(help="One self-contained page (HTML).", rich_help_panel=_SHOW)
    ] = None,
    anonymize: o.Anonymize = False,
    json: o.Json = False,
    verbose: o.Verbose = False,
) -> int:
    plot = o.plot_file(plot)
    if pcap:
        return _with_captures(pcap, files, json=json, html=report, plot=plot, anonymize=anonymize)
    from detector.logs.blind import blind_spots
    from detector.logs.ledger import Ledger
    from detector.report.logs_text import LogPrinter

    ledger = Ledger()
    printer = LogPrinter(json=json, verbose=verbose, anonymize=anonymize)
    reasons, stamps = _reasons(), _stamps(timezone)
    readers: list[LogReader] = []
    try:
        for path in files:
            try:
                for event in _events(path, format_, reasons, stamps, readers, follow=follow):
                    ledger.add(event)
                    if follow:
                        printer.line(event)
            except UnknownLogError as error:
                if len(files) == 1:
                    raise
                print(f"tlsight: {error}", file=sys.stderr)  # of a whole folder, the rest counts
    except KeyboardInterrupt:
        if not follow:
            raise
    seen = _together([reader.seen for reader in readers])
    seen.changes += _certificates(certificate or [])
    blind = blind_spots(seen, _configs(config or [], seen))
    story = printer.story(ledger, seen, blind)
    printer.finish(story)
    if plot is not None:
        from detector.report.plotting import save_plot

        save_plot(plot, ledger.timeline, "Failed TLS handshakes")
    if report is not None:
        from detector.knowledge.whole_file import write_whole
        from detector.report.logs_page import log_page

        write_whole(report, log_page(printer, story).encode())
    if not seen.programs:
        return exit_codes.INCONCLUSIVE
    failed = any(not group.noise for group in ledger.groups)
    return exit_codes.FOUND if failed else exit_codes.CLEAN


def events_of(paths: list[str]) -> list[Event]:
    """Failures of logs that are read beside something else."""
    reasons, stamps = _reasons(), _stamps(None)
    return [e for path in paths for e in _events(path, None, reasons, stamps, [], follow=False)]


def _with_captures(
    captures: list[str], files: list[str], *, json: bool, html: Path | None, plot: Path | None,
    anonymize: bool,
) -> int:  # fmt: skip
    from detector.cli.pcap import pcap

    return pcap(captures, logs=files, json=json, html=html, plot=plot, anonymize=anonymize)


def _events(
    path: str,
    form: str | None,
    reasons: Reasons,
    stamps: Callable[[], Stamps],
    readers: list[LogReader],
    *,
    follow: bool,
) -> Iterator[Event]:
    from detector.logs.reading import LogReader
    from detector.runs.captures import opened

    reader = LogReader(reasons, stamps, form, path)
    readers.append(reader)
    if follow and path != "-":
        from detector.runs.following import followed

        yield from reader.events(followed(Path(path)))
        return
    with opened(path) as file:
        read = getattr(file, "read1", file.read) if path == "-" else file.read
        try:
            yield from reader.events(read)
        except (EOFError, OSError) as error:
            if isinstance(error, BrokenPipeError):
                raise
            raise ConfigError(path, str(error) or "damaged") from None


def _reasons() -> Reasons:
    from detector.knowledge.explanations import error_table
    from detector.logs.reasons import Reasons

    return Reasons(error_table())


def _stamps(name: str | None) -> Callable[[], Stamps]:
    from detector import clock
    from detector.logs.stamp import Stamps

    zone: tzinfo | None = None
    if name is not None:
        from zoneinfo import ZoneInfo

        try:
            zone = ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ConfigError("--timezone", f"{name!r} is no time zone") from None
    now = clock.now()
    local = zone or now.astimezone().tzinfo or UTC
    return lambda: Stamps(local, now)


def _configs(paths: list[Path], seen: Seen) -> dict[str, str]:
    """Text of the configurations by program; one of no known program is said on stderr."""
    from detector.logs.blind import program_of_config

    found: dict[str, str] = {}
    for path in paths:
        try:
            text = path.read_bytes()[: 4 << 20].decode("utf-8", "replace")
        except OSError as error:
            raise ConfigError(str(path), error.strerror or str(error)) from None
        one = program_of_config(text)
        name = one.name if one is not None else next(iter(seen.programs), None)
        if name is None:
            print(f"tlsight: {path}: no known program's configuration", file=sys.stderr)
            continue
        found[name] = f"{found.get(name, '')}\n{text}"
    return found


def _certificates(paths: list[Path]) -> list[tuple[float | None, str, str]]:
    """When each certificate was put where it is, and from when on it is valid."""
    from detector.chain.certificate import read_certificate, split_pem
    from detector.errors import CertificateError

    found: list[tuple[float | None, str, str]] = []
    for path in paths:
        try:
            placed = path.stat().st_mtime
            leaf = read_certificate(split_pem(path.read_bytes())[0])
        except OSError as error:
            raise ConfigError(str(path), error.strerror or str(error)) from None
        except IndexError:
            raise ConfigError(str(path), "no certificate in it", remedy="give PEM") from None
        except CertificateError as error:
            raise ConfigError(str(path), str(error)) from None
        found.append((placed, "", f"the certificate of {leaf.subject_text} was replaced"))
        begins = datetime.fromtimestamp(leaf.not_before.timestamp(), UTC).timestamp()
        found.append((begins, "", f"the certificate of {leaf.subject_text} became valid"))
        ends = leaf.not_after.timestamp()
        found.append((ends, "", f"the certificate of {leaf.subject_text} expired"))
    return found


def _together(parts: list[Seen]) -> Seen:
    from detector.logs.reading import Seen

    whole = Seen()
    for part in parts:
        whole.lines += part.lines
        whole.bytes += part.bytes
        whole.programs.update(part.programs)
        for name, numbers in part.levels.items():
            whole.levels.setdefault(name, set()).update(numbers)
        whole.changes += part.changes
        times = [t for t in (whole.first, part.first) if t is not None]
        whole.first = min(times, default=None)
        times = [t for t in (whole.last, part.last) if t is not None]
        whole.last = max(times, default=None)
    return whole


logs.__doc__ = _TEXT
