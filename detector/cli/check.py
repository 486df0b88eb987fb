"""`tlsight check`: who really answers?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from detector.cli import exit_codes
from detector.cli.ending import say
from detector.cli.gate import GateOptions
from detector.cli.groups import grouped
from detector.cli.knowledge import HistoryOptions, KnowledgeOptions
from detector.cli.options import Option
from detector.cli.output import Printer, VerdictOutput
from detector.cli.recovering import Recover, progress
from detector.cli.waiting import Waiting
from detector.cli.way import Arguments, NoCanaries, TargetList, Targets, WayOptions
from detector.runs.overwriting import refuse_overwriting

if TYPE_CHECKING:
    from detector.runs.check import CheckRun

_WAY = "How to get there"
_EXAMPLES = """
Shake hands with each target and say who answered, with proof.

Examples

  tlsight check                        a dozen sites of unrelated owners
  tlsight check example.com imap.example.com:993
  tlsight check --proxy http://proxy:3128 --compare-direct example.com
  tlsight check -l hosts.txt --json > result.ndjson
  tlsight check -l hosts.txt --html report.html
  tlsight check --starttls smtp mail.example.com
  tlsight check --ct-proof example.com
  tlsight check -l hosts.txt --junit tlsight.xml
  tlsight check --pin example.com=sha256//BASE64 example.com

Exit codes: 0 clean, 1 suspect or intercepted, 3 no handshake to judge, 2 usage, 4 cannot write.
"""


@grouped
def check(
    way: WayOptions,
    compare: KnowledgeOptions,
    earlier: HistoryOptions,
    output: VerdictOutput,
    gate: GateOptions,
    targets: Arguments = None,
    target_list: TargetList = None,
    compare_direct: Annotated[
        bool,
        Option(
            "--compare-direct",
            help="Ask again without the proxy and compare.",
            panel=_WAY,
        ),
    ] = False,
    staple: Annotated[
        bool,
        Option(
            "--staple",
            help="Ask every server for what it sends beside its leaf: a stapled OCSP response, SCTs.",
            panel=_WAY,
        ),
    ] = False,
    other_ways: Annotated[
        bool,
        Option(
            "--other-ways",
            help="Ask the second address family and HTTP/3 too, where the host has them.",
            panel=_WAY,
        ),
    ] = False,
    ct_proof: Annotated[
        bool,
        Option(
            "--ct-proof",
            help="Ask a log to prove that it holds the leaf.",
            panel=_WAY,
        ),
    ] = False,
    no_lookups: Annotated[
        bool,
        Option("--no-lookups", help="Fetch no issuer that a server forgets to send.", panel=_WAY),
    ] = False,
    no_canaries: NoCanaries = False,
    concurrency: Annotated[
        int,
        Option(
            min=1,
            max=4096,
            help="Targets under way at once.",
            envvar="TLSIGHT_CONCURRENCY",
            panel=_WAY,
        ),
    ] = 64,
    save: Annotated[
        Path | None,
        Option(metavar="FILE", help="Save the observations, to judge again later."),
    ] = None,
    recover: Recover = False,
) -> int:
    from detector.net.briefly import run_briefly
    from detector.runs.check import CheckRun

    named = (target_list, compare.roots, compare.pins, compare.policy, compare.issuers)
    written = {"--html": output.html, "--save": save, "--junit": gate.junit}
    refuse_overwriting(written, filter(None, named))
    asked = targets or target_list is not None
    wanted = way.targets(targets, target_list, () if asked else canaries())
    options = way.probe_options(compare.roots)
    own = ("--no-lookups",) * no_lookups + ("--no-canaries",) * no_canaries
    words = (*way.words(options.routing), *earlier.words(), *own)
    flags = {
        "--compare-direct": compare_direct, "--staple": staple, "--other-ways": other_ways,
        "--ct-proof": ct_proof, "--recover": recover,
    }  # fmt: skip
    printer = output.printer(
        quiet=gate.sarif,
        again=("tlsight", "check", *(flag for flag, given in flags.items() if given)),
        words=(*words, *compare.words()),
    )
    waiting = Waiting(
        "waiting for {} to answer", shown=not output.json and not gate.sarif, total=wanted.count,
        done="checked",
    )  # fmt: skip
    prove = way.fetch_options(compare.roots) if ct_proof else None
    try:
        with (
            compare.opened(to_write=ct_proof, words=words) as opened,
            earlier.opened() as memory,
            gate.opened("check", json=output.json, targets=wanted, listed=target_list) as cases,
            waiting,
        ):
            printer.cases = cases
            session = CheckRun(
                opened.knowledge, options, memory=memory, compare_direct=compare_direct,
                staple=staple, other_ways=other_ways, store=opened.store, prove=prove,
                lookups=not no_lookups, canaries=not no_canaries,
                recover=progress() if recover else None, warn=_warn, around=waiting.target,
            )  # fmt: skip
            run_briefly(_run(session, wanted, concurrency, printer, save))
    except BaseException:
        printer.cut_short()
        raise
    return exit_codes.worst(printer.finish(), wanted.code)


async def _run(
    session: CheckRun, wanted: Targets, concurrency: int, printer: Printer, save: Path | None
) -> None:
    from contextlib import ExitStack, aclosing

    from detector.runs.saved import encode_observation

    with ExitStack() as stack:
        file = None
        if save is not None:
            from detector.knowledge.whole_file import growing

            file = stack.enter_context(growing(save))
        width = _width(min(concurrency, wanted.count or concurrency) or 1)
        async with aclosing(session.run(wanted, width)) as judgements:
            async for judgement in judgements:
                if file is not None:
                    file.write(encode_observation(judgement.observation) + b"\n")
                printer.show(judgement)


def _width(concurrency: int) -> int:
    """How many targets are asked at once; fewer than wanted where file descriptors do not suffice."""
    from detector.net.descriptors import make_room

    found = make_room(concurrency)
    if found < concurrency:
        _warn(f"file descriptors suffice for {found} targets at once; ulimit -n gives more")
    return found


def canaries() -> tuple[str, ...]:
    """The built-in targets."""
    from detector.knowledge import shipped

    return shipped.canaries()


def _warn(text: str) -> None:
    say(text)


check.__doc__ = _EXAMPLES
