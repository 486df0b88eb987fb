"""`tlsight diagnose`: why does this handshake fail, who must mend it, and how?"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from detector.cli import exit_codes
from detector.cli.ending import say
from detector.cli.gate import Cases, GateOptions
from detector.cli.groups import grouped
from detector.cli.knowledge import HistoryOptions, KnowledgeOptions, OpenedKnowledge
from detector.cli.numbers import finite
from detector.cli.options import Option
from detector.cli.output import Html, Json, Verbose
from detector.cli.streams import print_line
from detector.cli.waiting import Waiting
from detector.cli.way import Arguments, NoCanaries, TargetList, Targets, WayOptions
from detector.errors import ConfigError
from detector.runs.overwriting import refuse_overwriting

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from detector.known.knowledge import Knowledge
    from detector.model.inquiry import Diagnosis
    from detector.net.probe import ProbeOptions
    from detector.report.diagnose_page import DiagnosePage
    from detector.runs.diagnose import Investigation
    from detector.runs.memory import Memory

_HOW = "How far to go"
_SHOW = "Output"
_TEXT = """
Walk the handshake, say on which rung it breaks, why, who must act, and the lines that mend it.

Examples

  tlsight diagnose example.com
  tlsight diagnose --for nginx --repair fullchain.pem example.com
  tlsight diagnose --starttls smtp mail.example.com
  tlsight diagnose --client-cert me.pem --client-key me.key api.example.com
  tlsight diagnose --suites example.com
  tlsight diagnose --html ladder.html example.com    a page for who runs the server
  tlsight diagnose --watch 5 example.com          until it works
  tlsight diagnose --expect healthy --junit tlsight.xml -l hosts.txt  in CI

Exit codes: 0 healthy, 1 a cause of severity error, 3 no judgement; with --expect 0 when it is so.
"""


@grouped
def diagnose(
    way: WayOptions,
    compare: KnowledgeOptions,
    earlier: HistoryOptions,
    gate: GateOptions,
    targets: Arguments = None,
    target_list: TargetList = None,
    client_cert: Annotated[
        Path | None,
        Option(help="PEM file of a client certificate to show.", panel=_HOW),
    ] = None,
    client_key: Annotated[
        Path | None,
        Option(help="Its key, where it is in another file.", panel=_HOW),
    ] = None,
    suites: Annotated[
        bool,
        Option("--suites", help="Enumerate cipher suites too.", panel=_HOW),
    ] = False,
    no_lookups: Annotated[
        bool,
        Option(
            "--no-lookups",
            help="Fetch no missing issuer, OCSP response or revocation list.",
            panel=_HOW,
        ),
    ] = False,
    no_canaries: NoCanaries = False,
    watch: Annotated[
        float | None,
        Option(
            min=0.1,
            callback=finite,
            metavar="SECONDS",
            help="Repeat until it is mended.",
            panel=_HOW,
        ),
    ] = None,
    save: Annotated[
        Path | None,
        Option(metavar="FILE", help="Save the observations, to judge again later."),
    ] = None,
    repair: Annotated[
        Path | None,
        Option(metavar="FILE", help="Write the chain that the server should send (PEM)."),
    ] = None,
    program: Annotated[
        str | None,
        Option(
            "--for",
            values="servers",
            help="Lines for one program only: nginx, apache, haproxy, caddy, iis, java, or all.",
            panel=_SHOW,
        ),
    ] = None,
    trace: Annotated[
        bool,
        Option("--trace", help="All messages, decoded.", panel=_SHOW),
    ] = False,
    expect: Annotated[
        str | None,
        Option(
            help="A cause, or healthy: exit 0 if it is so, else 1.", panel=_SHOW, values="causes"
        ),
    ] = None,
    json: Json = False,
    html: Html = None,
    verbose: Verbose = False,
) -> int:
    from detector.knowledge.causes import cause_table
    from detector.knowledge.fixes import PROGRAMS

    if not targets and target_list is None:
        raise ConfigError("diagnose", "no target", remedy="name a host, or a file with -l")
    if program is not None and program not in (*PROGRAMS, "all"):
        raise ConfigError("--for", f"{program!r} is none of {', '.join(PROGRAMS)}, all")
    if expect is not None and expect != "healthy" and expect not in cause_table():
        raise ConfigError("--expect", f"no cause {expect!r}", remedy="see tlsight lab list")
    read = (target_list, client_cert, client_key, compare.roots, compare.pins, compare.policy)
    written = {"--html": html, "--save": save, "--repair": repair, "--junit": gate.junit}
    refuse_overwriting(written, filter(None, read))
    wanted = way.targets(targets, target_list)
    shown = None if program is None else (PROGRAMS if program == "all" else (program,))
    credential = _credential(client_cert, client_key)
    printer = _Printer(
        json=json, trace=trace, verbose=verbose, programs=shown, expect=expect, quiet=gate.sarif,
    )  # fmt: skip
    options = way.probe_options(compare.roots, credential=credential)
    own = ("--no-lookups",) * no_lookups + ("--no-canaries",) * no_canaries
    words = (*way.words(options.routing), *earlier.words(), *own)
    with compare.opened(words=words) as opened, earlier.opened() as memory:
        how = _investigation(
            way,
            compare,
            opened,
            options,
            suites=suites,
            lookups=not no_lookups,
            canaries=not no_canaries,
        )
        while True:
            with ExitStack() as files:
                sink = files.enter_context(_saved(save)) if save is not None else None
                printer.cases = files.enter_context(
                    gate.opened("diagnose", json=json, targets=wanted, listed=target_list)
                )
                waiting = files.enter_context(
                    Waiting(
                        "waiting for {} to answer",
                        shown=not json and not gate.sarif,
                        total=wanted.count,
                        done="diagnosed",
                    )
                )
                found = _run(
                    how, wanted, opened.knowledge, memory, partial(printer.show, sink), waiting
                )
            if html is not None:
                from detector.report.diagnose_page import DiagnosePage

                again = partial(how.asked, known=opened.knowledge)
                _write_page(found, html, DiagnosePage(shown, again, suites=suites))
            if repair is not None:
                _write_repaired(found, repair)
            if watch is None or printer.content(found):
                return exit_codes.worst(printer.code(found), wanted.code)
            _wait(watch)


def _saved(path: Path) -> AbstractContextManager[BinaryIO]:
    from detector.knowledge.whole_file import growing

    return growing(path)


def _wait(seconds: float) -> None:
    """Until the next round, which reads a client's certificate again."""
    from detector import clock
    from detector.net.untrusted import context_for_untrusted_peer

    clock.sleep(seconds)
    context_for_untrusted_peer.cache_clear()


def _investigation(
    way: WayOptions,
    compare: KnowledgeOptions,
    opened: OpenedKnowledge,
    options: ProbeOptions,
    *,
    suites: bool,
    lookups: bool,
    canaries: bool,
) -> Investigation:
    from dataclasses import replace

    from detector.runs.diagnose import Investigation

    fetch = way.fetch_options(compare.roots, attempts=1) if lookups else None
    if fetch is not None:
        fetch = replace(fetch, timeout=min(fetch.timeout, 3.0))
    return Investigation(
        options,
        fetch=fetch,
        suites=suites,
        store=opened.store,
        roots=str(compare.roots) if compare.roots is not None else None,
        canaries=canaries,
    )


def _run(
    how: Investigation,
    wanted: Targets,
    known: Knowledge,
    memory: Memory,
    show: Callable[[Diagnosis], None],
    waiting: Waiting,
) -> list[Diagnosis]:
    from contextlib import aclosing

    from detector.net.briefly import run_briefly

    async def all_of_them() -> list[Diagnosis]:
        found: list[Diagnosis] = []
        width = min(8, wanted.count or 8) or 1
        asked = how.run(wanted, known, memory=memory, concurrency=width, around=waiting.target)
        async with aclosing(asked) as run:
            async for _, diagnosis in run:
                show(diagnosis)
                found.append(diagnosis)
        return found

    return run_briefly(all_of_them())


class _Printer:
    """Shows each diagnosis, and knows what the whole amounts to."""

    def __init__(
        self,
        *,
        json: bool,
        trace: bool,
        verbose: bool,
        programs: tuple[str, ...] | None,
        expect: str | None,
        quiet: bool = False,
    ) -> None:
        self.quiet = quiet
        self.cases: Cases | None = None
        self.json = json
        self.trace = trace
        self.verbose = verbose
        self.programs = programs
        self.expect = expect

    def show(self, sink: object, diagnosis: Diagnosis) -> None:
        if sink is not None:
            from detector.runs.saved import encode_observation

            sink.write(encode_observation(diagnosis.inquiry.observation) + b"\n")  # type: ignore[attr-defined]
        if self.cases is not None:
            self.cases.diagnosed(diagnosis, self.code([diagnosis]))
        if self.quiet:
            pass
        elif self.json:
            from detector.report.diagnose_json import encode

            sys.stdout.buffer.write(encode(diagnosis) + b"\n")
            sys.stdout.buffer.flush()
        else:
            from detector.report.check_text import stdout_console
            from detector.report.diagnose_text import render

            console = stdout_console()
            console.print(render(diagnosis, self.programs, verbose=self.verbose))
            if self.trace:
                _print_trace(diagnosis)

    def content(self, found: list[Diagnosis]) -> bool:
        """Everything is as it should be."""
        return all(_matches(one, self.expect or "healthy") for one in found)

    def code(self, found: list[Diagnosis]) -> int:
        if self.expect is not None:
            return exit_codes.CLEAN if self.content(found) else exit_codes.FOUND
        worst = exit_codes.CLEAN
        for one in found:
            worst = exit_codes.worst(worst, _code(one))
        return worst


def _matches(diagnosis: Diagnosis, expected: str) -> bool:
    if expected == "healthy":
        return _code(diagnosis) == exit_codes.CLEAN
    return bool(diagnosis.causes) and diagnosis.causes[0].id == expected


def _code(diagnosis: Diagnosis) -> int:
    if not diagnosis.healthy:
        return exit_codes.FOUND
    handshake = diagnosis.inquiry.observation.handshake
    done = handshake is not None and handshake.completed
    return exit_codes.CLEAN if done else exit_codes.INCONCLUSIVE


def _print_trace(diagnosis: Diagnosis) -> None:
    from detector.report.diagnose_trace import trace

    for trial in diagnosis.inquiry.trials.values():
        print()
        for line in trace(trial):
            print_line(line)


def _credential(certificate: Path | None, key: Path | None) -> tuple[str, str] | None:
    """Paths of the client's certificate and key. Raises ConfigError for what cannot be used."""
    import ssl

    from detector.net.untrusted import context_for_untrusted_peer

    if certificate is None:
        if key is not None:
            raise ConfigError("--client-key", "no certificate", remedy="add --client-cert FILE")
        return None
    found = (str(certificate), str(key or certificate))
    try:
        context_for_untrusted_peer(credential=found)
    except (OSError, ssl.SSLError) as error:
        why = error.strerror or "no PEM certificate with its key"
        raise ConfigError(
            str(certificate), why, remedy="give PEM files, the key unlocked"
        ) from None
    return found


def _write_page(found: list[Diagnosis], path: Path, made: DiagnosePage) -> None:
    """Raises StoreError where the file cannot be written."""
    from detector.report.page import write_page

    for one in found:
        made.add(one)
    write_page(path, made.page())


def _write_repaired(found: list[Diagnosis], path: Path) -> None:
    """Chains as they should be sent. Raises StoreError where the file cannot be written."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    from detector.knowledge.whole_file import write_whole

    pem = b""
    for diagnosis in found:
        for der in diagnosis.repaired:
            pem += x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
    if not pem:
        say("no chain could be repaired; nothing was written")
        return
    write_whole(path, pem)
    say(f"wrote {path}")


diagnose.__doc__ = _TEXT
