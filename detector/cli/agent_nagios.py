"""`tlsight agent nagios`: a plug-in for Nagios and Icinga."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from detector.cli.groups import grouped
from detector.cli.knowledge import KnowledgeOptions
from detector.cli.numbers import finite
from detector.cli.options import Argument, Exit, Option, Verb, Verbs
from detector.cli.way import WayOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from detector.agent.snapshot import Snapshot
    from detector.known.knowledge import Knowledge
    from detector.model.observation import Judgement, Target
    from detector.net.probe import ProbeOptions
    from detector.report.nagios import Range

_UNKNOWN = 3
_LATE = 3  # heartbeats that may be missing


class PlugIn(Verb):
    """A command whose failures are the plug-ins' UNKNOWN: their 1 and 2 say something of the host, ours of us."""

    def make_context(self, *args: Any, **more: Any) -> Any:
        return _unknown_instead(super().make_context, *args, **more)

    def invoke(self, ctx: Any) -> Any:
        return _unknown_instead(super().invoke, ctx)


def register(app: Verbs) -> None:
    """Add the verb."""
    app.command("nagios", cls=PlugIn)(nagios)


@grouped
def nagios(
    way: WayOptions,
    compare: KnowledgeOptions,
    hosts: Annotated[
        list[str] | None, Argument(help="Ask these; without any, how the agent fares.")
    ] = None,
    warning: Annotated[
        str | None,
        Option(
            "--warning",
            "-w",
            metavar="RANGE",
            help="Days until the leaf expires; 14: warns below 14.",
        ),
    ] = None,
    critical: Annotated[
        str | None, Option("--critical", "-c", metavar="RANGE", help="The same for CRITICAL.")
    ] = None,
    whole: Annotated[
        float,
        Option(
            "--within",
            min=0.1,
            callback=finite,
            help="Seconds for all together; Nagios itself waits for 60.",
        ),
    ] = 30.0,
    allow_sanctioned: Annotated[
        bool, Option("--allow-sanctioned", help="Interceptors that the policy allows are OK.")
    ] = False,
) -> int:
    """Say in one line, for Nagios or Icinga, who answers at hosts, or how the agent on this machine fares.

    Examples

      tlsight agent nagios
      tlsight agent nagios -w 14: -c 3: example.com mail.example.com:993

    Exit codes, as plug-ins have them: 0 OK, 1 WARNING (suspect), 2 CRITICAL (intercepted), 3 UNKNOWN.
    """
    from detector.report.nagios import parse_range

    limits = tuple(
        parse_range(text, option) if text is not None else None
        for option, text in (("--warning", warning), ("--critical", critical))
    )
    if hosts:
        code, line = _hosts(way, compare, hosts, limits, whole, allow_sanctioned=allow_sanctioned)
    else:
        code, line = _agent(allow_sanctioned=allow_sanctioned)
    print(line)
    return code


def _hosts(
    way: WayOptions, compare: KnowledgeOptions, hosts: Sequence[str],
    limits: tuple[Range | None, ...], whole: float, *, allow_sanctioned: bool,
) -> tuple[int, str]:  # fmt: skip
    from detector import clock
    from detector.net.briefly import run_briefly
    from detector.report.nagios import UNKNOWN, Figure, Finding, days_left, of_judgement, told

    wanted = list(way.targets(list(hosts), None))
    start = clock.stopwatch()
    with compare.opened() as opened:
        found = run_briefly(
            _judged(wanted, opened.knowledge, way.probe_options(compare.roots), whole)
        )
    now = clock.now()
    warning, critical = limits
    findings = [
        of_judgement(
            one, now, allow_sanctioned=allow_sanctioned, warning=warning, critical=critical
        )
        for one in found
    ]
    if len(found) < len(wanted):
        findings.append(
            Finding(
                UNKNOWN,
                f"{len(wanted) - len(found)} of {len(wanted)} not answered within {whole:g} s",
            )
        )
    figures = [Figure("time", clock.stopwatch() - start, "s")]
    figures += [
        Figure(verdict, sum(one.verdict == verdict for one in found))
        for verdict in ("intercepted", "suspect", "inconclusive")
    ]
    days = [left for one in found if (left := days_left(one, now)) is not None]
    if days:
        texts = (warning.text if warning else "", critical.text if critical else "")
        figures.append(Figure("days_left", min(days), "", *texts))
    verdicts = ", ".join(sorted({one.verdict for one in found}))
    return told("TLS", findings, f"{len(found)} of {len(wanted)} fine: {verdicts}", figures)


async def _judged(
    wanted: Sequence[Target], known: Knowledge, options: ProbeOptions, whole: float
) -> list[Judgement]:
    """What is judged in time."""
    import asyncio
    from contextlib import aclosing

    from detector.runs.check import CheckRun

    found: list[Judgement] = []
    try:
        async with asyncio.timeout(whole), aclosing(CheckRun(known, options).run(wanted)) as run:
            async for judgement in run:
                found.append(judgement)  # noqa: PERF401 - what came before the time is over counts
    except TimeoutError:
        pass
    return found


def _agent(*, allow_sanctioned: bool) -> tuple[int, str]:
    import os

    from detector import clock
    from detector.agent.snapshot import read_snapshot
    from detector.agent.store import shown_folder

    return agent_line(
        read_snapshot(shown_folder(os.environ)), clock.now(), allow_sanctioned=allow_sanctioned
    )


def agent_line(seen: Snapshot, now: datetime, *, allow_sanctioned: bool) -> tuple[int, str]:
    """Code and line for a Snapshot at a time."""
    from detector.report.event_json import blindness
    from detector.report.nagios import CRITICAL, UNKNOWN, WARNING, Figure, Finding, told

    findings = []
    kinds = {"interception": CRITICAL, "sink": CRITICAL}
    open_ones = [one for one in seen.findings if not (allow_sanctioned and one.sanctioned)]
    for one in open_ones:
        where = one.record.hosts[0] if one.record.hosts else one.record.subject
        who = one.who
        text = f"{one.record.kind} {where}{f' by {who}' if who else ''}"
        if one.record.kind == "trust" and who:
            text = f"trust {who}"
        findings.append(Finding(kinds.get(one.record.kind, WARNING), text))
    beat = seen.heartbeat
    age = (now - beat.at).total_seconds() if beat is not None else None
    if beat is None or beat.heartbeat is None or age is None:
        findings.append(Finding(UNKNOWN, "the agent never told that it lives"))
    elif now - beat.at > timedelta(seconds=beat.heartbeat.every * _LATE):
        findings.append(Finding(UNKNOWN, f"the agent is silent for {age / 60:.0f} min"))
    if seen.mood is not None and seen.mood.lasts(now):
        hours = (now - seen.mood.since).total_seconds() / 3600
        why = f"{blindness(seen.mood.word)} for {hours:.1f} h: next to nothing is checked"
        findings.append(Finding(UNKNOWN, why))
    findings += [
        Finding(WARNING, f"sink {one.name}: {one.trouble}") for one in seen.sinks if one.trouble
    ]
    figures = [
        Figure("findings", len(open_ones)),
        Figure("waiting", sum(one.waiting for one in seen.sinks)),
    ]
    if age is not None:
        figures.append(Figure("heartbeat_age", age, "s"))
    if beat is not None and beat.heartbeat is not None:
        figures.append(Figure("memory", beat.heartbeat.memory, "B"))
    return told("TLSIGHT AGENT", findings, "no finding is open", figures)


def _unknown_instead(work: Any, *args: Any, **more: Any) -> Any:
    """What `work` gives; every failure of its is one line on stdout, which Nagios shows, and UNKNOWN."""
    from detector.errors import TlsightError
    from detector.model.harmless import harmless

    try:
        return work(*args, **more)
    except (Exit, KeyboardInterrupt):
        raise
    except TlsightError as error:
        text = error.message
    except Exception as error:  # the plug-ins' contract: no traceback, code 3
        words = getattr(error, "format_message", None)  # of a wrong option
        text = words() if callable(words) else f"{type(error).__name__}: {error}"
    print(f"TLSIGHT UNKNOWN - {harmless(' '.join(text.split())).replace('|', '/')}")
    raise Exit(_UNKNOWN)
